foreach(file letter ledger filter text lease stats newer rehearsal)
    weir_unit_test(${file} USES weir_dlq weir_core weir_base)
endforeach()
weir_unit_test(measure USES weir_kafka weir_base)
