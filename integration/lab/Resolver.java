import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;

/**
 * Reads values of one schema as another with Apache Avro's own library, for resolver.py.
 *
 * <p>Lines on standard input, with tabs between the words: "P WRITER READER" sets the schemas; "V HEX" is a value of the
 * writer's. Each is answered with a line: "ok", or the value in the reader's encoding, in hexadecimal digits, and
 * as Avro's JSON encoding; or "X" and why not.
 */
public final class Resolver {
    private Schema read;
    private GenericDatumReader<Object> reader;
    private GenericDatumWriter<Object> writer;

    /** Keeps the entries of maps in the order in which they came. */
    private static final class Ordered extends GenericDatumReader<Object> {
        Ordered(Schema writer, Schema reader) {
            super(writer, reader);
        }

        @Override
        protected Object newMap(Object old, int size) {
            return new LinkedHashMap<Object, Object>();
        }
    }

    public static void main(String[] args) throws IOException {
        Resolver resolver = new Resolver();
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                out.print(resolver.answer(line.split("\t", -1)));
            } catch (Exception | StackOverflowError e) {
                out.print("X " + e.toString().replace('\n', ' '));
            }
            out.print('\n');
            if (!lines.ready()) {
                out.flush();
            }
        }
    }

    private String answer(String[] words) throws IOException {
        if (words[0].equals("V")) {
            return value(HexFormat.of().parseHex(words[1]));
        }
        reader = null;
        Schema written = new Schema.Parser().parse(words[1]);
        read = new Schema.Parser().parse(words[2]);
        reader = new Ordered(written, read);
        writer = new GenericDatumWriter<>(read);
        return "ok";
    }

    private String json(Object value) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        JsonEncoder encoder = EncoderFactory.get().jsonEncoder(read, out, false);
        writer.write(value, encoder);
        encoder.flush();
        return out.toString(StandardCharsets.UTF_8);
    }

    private String value(byte[] bytes) throws IOException {
        BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, null);
        Object value = reader.read(null, decoder);
        if (!decoder.isEnd()) {
            throw new IOException("bytes are left");
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        writer.write(value, encoder);
        encoder.flush();
        return HexFormat.of().formatHex(out.toByteArray()) + "\t" + json(value);
    }
}
