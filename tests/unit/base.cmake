foreach(name err arena bytes copy sha256 utf8)
    weir_unit_test(${name} USES weir_base)
endforeach()
