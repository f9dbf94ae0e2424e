# weir_twins(TARGET): the in-memory twins of the engine's ports, their judge and their log (support/twin.h).
function(weir_twins target)
    foreach(file twin twin_source twin_sink twin_judge twin_journal twin_log twin_rig)
        target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/${file}.c)
    endforeach()
    target_link_options(${target} PRIVATE -Wl,--wrap=log_write)
endfunction()
