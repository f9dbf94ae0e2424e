# weir_alloc_fail(TARGET): lets allocations of a test fail on demand (support/alloc_fail.h).
function(weir_alloc_fail target)
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/alloc_fail.c)
    target_link_options(${target} PRIVATE -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc)
endfunction()
