include(${PROJECT_SOURCE_DIR}/tests/support/alloc_fail.cmake)

foreach(name fault conf patience watchdog roster estate)
    weir_unit_test(${name} USES weir_kafka weir_engine weir_core weir_avro weir_metrics weir_sys weir_base weir_librdkafka)
endforeach()
weir_alloc_fail(test_roster)
