/* What no option can be refused for alone. */
#ifndef WEIR_CONFIG_CHECK_H
#define WEIR_CONFIG_CHECK_H

#include "config/parsed.h"

/*
 * Refuses what options cannot ask for together, once each alone is right, and settles what follows from more
 * than one. Fails with WEIR_ERR_CONFIG.
 */
enum weir_err_code check_together(const struct reading *reading, struct parsed *parsed);

#endif
