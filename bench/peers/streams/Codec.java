/** Makes a processed login of a login, both in Confluent's wire format. Not to be shared between threads. */
interface Codec {
    /** Magic byte and schema id. */
    int PREFIX_BYTES = 5;

    /**
     * The value of the output record. The rules are those of config/user-login.yaml: ip is checked, timestamp becomes a
     * long, and processed, processed_timestamp, source_partition and source_offset are set.
     */
    byte[] process(byte[] value, int partition, long offset) throws Rejected;

    /** The schema id of a value. */
    static int id(byte[] value) throws Rejected {
        if (value == null || value.length == 0) {
            throw new Rejected("empty_value", "a value without bytes");
        }
        if (value[0] != 0 || value.length < PREFIX_BYTES) {
            throw new Rejected("bad_magic", "neither Avro in wire format nor JSON");
        }
        return (value[1] & 0xff) << 24 | (value[2] & 0xff) << 16 | (value[3] & 0xff) << 8 | value[4] & 0xff;
    }

    static void putId(byte[] value, int id) {
        value[0] = 0;
        value[1] = (byte) (id >> 24);
        value[2] = (byte) (id >> 16);
        value[3] = (byte) (id >> 8);
        value[4] = (byte) id;
    }
}
