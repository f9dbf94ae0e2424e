# generate and archive.
weir_unit_test(encoder USES weir_archive weir_base)
