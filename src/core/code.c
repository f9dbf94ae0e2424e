#include "core/code.h"

#include <assert.h>

#define STAGE_WIRE      "wire"
#define STAGE_DECODE    "decode"
#define STAGE_CHECK     "check"
#define STAGE_TRANSFORM "transform"
#define STAGE_OUTPUT    "output"

struct code_row {
    const char *name;
    const char *stage;
    const char *meaning;
};

static const struct code_row rows[WEIR_CODE_COUNT] = {
    [WEIR_CODE_NONE] = {"", "", ""},
#define WEIR_VERDICT(NAME, name, STAGE, meaning) [WEIR_CODE_##NAME] = {#name, STAGE_##STAGE, meaning},
#include "weir/verdicts.def"
#undef WEIR_VERDICT
};

const char *weir_code_name(enum weir_code code)
{
    assert(code < WEIR_CODE_COUNT);
    return rows[code].name;
}

const char *weir_code_stage(enum weir_code code)
{
    assert(code < WEIR_CODE_COUNT);
    return rows[code].stage;
}

const char *weir_verdict_name(enum weir_verdict verdict)
{
    static const char *const names[] = {[WEIR_PASS] = "PASS", [WEIR_DROP] = "DROP", [WEIR_REJECT] = "REJECT"};
    assert(verdict <= WEIR_REJECT);
    return names[verdict];
}

const char *code_meaning(enum weir_code code)
{
    assert(code < WEIR_CODE_COUNT);
    return rows[code].meaning;
}
