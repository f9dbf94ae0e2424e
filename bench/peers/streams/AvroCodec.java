import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.util.Utf8;

/** With Apache Avro's generic records, as most would write it. Records, decoder and encoder are used again. */
final class AvroCodec implements Codec {
    private static final int OUTPUT_BYTES = 256;

    private final Schemas schemas;
    private final GenericData data = new GenericData();
    private final Map<Integer, GenericDatumReader<GenericRecord>> readers = new HashMap<>();
    private final GenericDatumWriter<GenericRecord> writer;
    private final GenericRecord processed;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(OUTPUT_BYTES);
    private final byte[] prefix = new byte[PREFIX_BYTES];
    private GenericRecord login;
    private BinaryDecoder decoder;
    private BinaryEncoder encoder;

    AvroCodec(Schemas schemas) {
        this.schemas = schemas;
        data.setFastReaderEnabled(true);
        writer = new GenericDatumWriter<>(schemas.processed, data);
        processed = new GenericData.Record(schemas.processed);
        Codec.putId(prefix, schemas.processedId);
    }

    @Override
    public byte[] process(byte[] value, int partition, long offset) throws Rejected {
        read(value);
        for (Schema.Field field : schemas.login.getFields()) {
            Utf8 text = (Utf8) login.get(field.pos());
            Text.checkUtf8(text.getBytes(), 0, text.getByteLength());
            if (schemas.processed.getField(field.name()) != null) {
                processed.put(field.name(), text);
            }
        }
        Utf8 ip = (Utf8) login.get("ip");
        Text.checkIp(ip.getBytes(), 0, ip.getByteLength());
        Utf8 timestamp = (Utf8) login.get("timestamp");
        processed.put("timestamp", Text.millis(timestamp.getBytes(), 0, timestamp.getByteLength()));
        processed.put("processed", true);
        processed.put("processed_timestamp", System.currentTimeMillis());
        processed.put("source_partition", partition);
        processed.put("source_offset", offset);
        return write();
    }

    private void read(byte[] value) throws Rejected {
        GenericDatumReader<GenericRecord> reader = reader(Codec.id(value));
        decoder = DecoderFactory.get().binaryDecoder(value, PREFIX_BYTES, value.length - PREFIX_BYTES, decoder);
        try {
            login = reader.read(login, decoder);
            if (!decoder.isEnd()) {
                throw new Rejected("trailing_bytes", "bytes behind the last field");
            }
        } catch (IOException | RuntimeException e) { // Avro has several for bytes that make no sense.
            throw new Rejected("truncated", String.valueOf(e.getMessage()));
        }
    }

    private GenericDatumReader<GenericRecord> reader(int id) throws Rejected {
        GenericDatumReader<GenericRecord> reader = readers.get(id);
        if (reader == null) {
            Schema schema = schemas.byId.get(id);
            if (schema == null) {
                throw new Rejected("unknown_schema", "no schema has the id " + id);
            }
            reader = new GenericDatumReader<>(schema, schemas.login, data);
            readers.put(id, reader);
        }
        return reader;
    }

    private byte[] write() {
        out.reset();
        out.write(prefix, 0, PREFIX_BYTES);
        encoder = EncoderFactory.get().binaryEncoder(out, encoder);
        try {
            writer.write(processed, encoder);
            encoder.flush();
        } catch (IOException e) {
            throw new IllegalStateException(e); // Nothing here is a file.
        }
        return out.toByteArray();
    }
}
