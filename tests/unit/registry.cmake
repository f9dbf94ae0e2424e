include(${PROJECT_SOURCE_DIR}/tests/support/alloc_fail.cmake)

weir_unit_test(directory USES weir_registry weir_avro weir_base)
weir_alloc_fail(test_directory)
weir_unit_test(shelf USES weir_registry weir_avro weir_base)
