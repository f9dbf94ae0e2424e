include(${PROJECT_SOURCE_DIR}/tests/support/alloc_fail.cmake)

weir_unit_test(directory USES weir_registry weir_avro weir_base)
weir_alloc_fail(test_directory)
weir_unit_test(shelf USES weir_registry weir_avro weir_base)

# A registry's client, on a server that gives canned answers.
foreach(name http answer known client remote registry registrar push)
    weir_unit_test(${name} USES weir_registry weir_avro weir_sys weir_base)
endforeach()
foreach(name http client remote registry registrar push)
    target_sources(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/canned.c)
endforeach()
