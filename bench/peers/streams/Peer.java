import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/**
 * weir's job with Kafka Streams, exactly once: logins in, processed logins out, malformed ones to the dead-letter topic
 * in the same transaction. script/bench runs it beside weir; docs/performance.md says what was tried for its settings.
 *
 * <p>Arguments: bootstrap=HOSTS group=NAME input=TOPIC output=TOPIC dead=TOPIC schemas=DIR, codec=avro|direct, and any
 * property of Kafka Streams, its producer (producer.NAME) or its consumer (consumer.NAME).
 */
public final class Peer {
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(15);
    private static final String OUTPUT = "output";
    private static final String DEAD = "dead";

    private Peer() {}

    /** One task's: the codec is not shared. */
    private static final class Pipeline implements Processor<byte[], byte[], byte[], byte[]> {
        private final Codec codec;
        private ProcessorContext<byte[], byte[]> context;

        Pipeline(Codec codec) {
            this.codec = codec;
        }

        @Override
        public void init(ProcessorContext<byte[], byte[]> context) {
            this.context = context;
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            RecordMetadata place = context.recordMetadata().orElseThrow();
            try {
                byte[] value = codec.process(record.value(), place.partition(), place.offset());
                context.forward(record.withValue(value), OUTPUT);
            } catch (Rejected why) {
                context.forward(letter(record, place, why), DEAD);
            }
        }

        private static Record<byte[], byte[]> letter(Record<byte[], byte[]> record, RecordMetadata place, Rejected why) {
            Record<byte[], byte[]> letter = record.withHeaders(record.headers()); // A copy.
            put(letter.headers(), "code", why.code);
            put(letter.headers(), "message", why.getMessage());
            put(letter.headers(), "topic", place.topic());
            put(letter.headers(), "partition", String.valueOf(place.partition()));
            put(letter.headers(), "offset", String.valueOf(place.offset()));
            return letter;
        }

        private static void put(Headers headers, String name, String value) {
            headers.add("__weir.errors." + name, value.getBytes(StandardCharsets.UTF_8));
        }
    }

    private static Topology topology(Map<String, String> words) throws IOException {
        Schemas schemas = new Schemas(words.remove("schemas"));
        boolean direct = words.remove("codec").equals("direct");
        ByteArrayDeserializer from = new ByteArrayDeserializer();
        ByteArraySerializer to = new ByteArraySerializer();
        return new Topology()
                .addSource("input", from, from, words.remove("input"))
                .addProcessor("pipeline", () -> new Pipeline(codec(schemas, direct)), "input")
                .addSink(OUTPUT, words.remove(OUTPUT), to, to, "pipeline")
                .addSink(DEAD, words.remove(DEAD), to, to, "pipeline");
    }

    private static Codec codec(Schemas schemas, boolean direct) {
        Codec codec = new AvroCodec(schemas);
        return direct ? new DirectCodec(schemas, codec) : codec;
    }

    private static Properties properties(Map<String, String> words) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", words.remove("bootstrap"));
        properties.put("application.id", words.remove("group"));
        properties.put("processing.guarantee", "exactly_once_v2");
        properties.put("auto.offset.reset", "earliest");
        properties.putAll(words);
        return properties;
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> words = new HashMap<>();
        for (String arg : args) {
            String[] word = arg.split("=", 2);
            words.put(word[0], word[1]);
        }
        Topology topology = topology(words);
        CountDownLatch failed = new CountDownLatch(1);
        try (KafkaStreams streams = new KafkaStreams(topology, properties(words))) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(STOP_TIMEOUT)));
            streams.setStateListener((now, before) -> {
                if (now == KafkaStreams.State.ERROR) {
                    failed.countDown();
                }
            });
            streams.start();
            failed.await();
        }
        System.exit(1);
    }
}
