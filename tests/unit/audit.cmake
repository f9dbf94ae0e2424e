foreach(file sip compare expiry annals form recompute sight final)
    weir_unit_test(${file} USES weir_audit weir_core weir_avro weir_base)
endforeach()
