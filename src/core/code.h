/* What the codes of verdicts.def mean. */
#ifndef WEIR_CORE_CODE_H
#define WEIR_CORE_CODE_H

#include "weir/pipeline.h"

/* A sentence for a person; "" for WEIR_CODE_NONE. Any thread. */
const char *code_meaning(enum weir_code code);

#endif
