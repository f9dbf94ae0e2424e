pkg_check_modules(AVRO_C REQUIRED IMPORTED_TARGET avro-c)
weir_unit_test(packer USES weir_archive weir_base PkgConfig::AVRO_C)
weir_unit_test(unpacker USES weir_archive weir_base)
