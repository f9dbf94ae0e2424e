include(${PROJECT_SOURCE_DIR}/tests/support/alloc_fail.cmake)

foreach(test schema decode)
    weir_unit_test(${test} USES weir_avro)
    weir_alloc_fail(test_${test})
endforeach()
