include(${PROJECT_SOURCE_DIR}/tests/support/alloc_fail.cmake)

# given.h serves tests of several rooms, but only where the room avro is linked.
foreach(test schema match resolve take decode decode_nested encode json number region cursor slot)
    weir_unit_test(${test} USES weir_avro)
    weir_alloc_fail(test_${test})
    target_sources(test_${test} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/given.c)
endforeach()

# libavro-c as an oracle: it sees only bytes that are valid.
pkg_check_modules(AVRO_C REQUIRED IMPORTED_TARGET avro-c)
foreach(test oracle oracle_nested)
    weir_unit_test(${test} USES weir_avro PkgConfig::AVRO_C)
    target_sources(test_${test} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/given.c)
endforeach()
