import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;

/** The folder that weir reads as registry.dir: SUBJECT/vN.avsc, the id of a schema from its fingerprint. */
final class Schemas {
    final Schema login;
    final Schema processed;
    final int processedId;
    final Map<Integer, Schema> byId = new HashMap<>();

    Schemas(String folder) throws IOException {
        login = latest(Path.of(folder, "user-login-value").toFile());
        processed = latest(Path.of(folder, "processed-user-login-value").toFile());
        processedId = id(processed);
    }

    private Schema latest(File folder) throws IOException {
        Schema schema = null;
        for (int version = 1; ; version++) {
            File file = new File(folder, "v" + version + ".avsc");
            if (!file.exists()) {
                break;
            }
            schema = new Schema.Parser().parse(file);
            byId.put(id(schema), schema);
        }
        if (schema == null) {
            throw new IOException("no schema in " + folder);
        }
        return schema;
    }

    /** As src/registry/directory.h says. */
    static int id(Schema schema) {
        return (int) SchemaNormalization.parsingFingerprint64(schema) & 0x7fffffff;
    }
}
