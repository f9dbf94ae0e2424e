foreach(name fault conf patience watchdog)
    weir_unit_test(${name} USES weir_kafka weir_engine weir_core weir_avro weir_metrics weir_sys weir_base weir_librdkafka)
endforeach()
