weir_fuzzer(schema USES weir_avro)
weir_fuzzer(decode USES weir_avro)
weir_fuzzer(pair USES weir_core weir_avro)
weir_fuzzer(json USES weir_avro)
