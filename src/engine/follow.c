#include "engine/follow.h"

#include <string.h>

#include "core/difference.h"
#include "sys/log.h"

#define DIFFERENCE_MAX 300

/* Versions of both subjects. */
struct pair {
    struct schemas_version reader, output;
};

bool follow_needed(const struct weir_spec *spec)
{
    return spec->input.schema.version == WEIR_VERSION_LATEST ||
           spec->output.schema.version == WEIR_VERSION_LATEST;
}

void follow_init(struct follow *follow, const struct follow_parts *parts)
{
    *follow = (struct follow){.parts = *parts,
                              .reader = {.subject = &parts->spec->input.schema, .verb = "reading"},
                              .output = {.subject = &parts->spec->output.schema, .verb = "writing"},
                              .down = -1};
}

static int64_t now_ms(const struct follow *follow)
{
    return follow->parts.timer->ops->monotonic_ms(follow->parts.timer);
}

void follow_release(struct follow *follow)
{
    if (follow->down >= 0)
        trouble_hand_over(follow->parts.trouble, follow->down);
    follow->down = -1;
}

/* A version may be changed in place in a folder, so its text counts. */
static bool same(const struct schemas_version *a, const struct schemas_version *b)
{
    if (!a->schema || !b->schema || a->id != b->id || a->version != b->version)
        return false;
    return a->schema == b->schema || (a->schema->text_len == b->schema->text_len &&
                                      memcmp(a->schema->text, b->schema->text, a->schema->text_len) == 0);
}

static bool same_pair(const struct pair *a, const struct pair *b)
{
    return same(&a->reader, &b->reader) && same(&a->output, &b->output);
}

/* --- asking --- */

/* A newest version that weir can make nothing of is said once. */
static void refuse_unusable(struct follow *follow, struct follow_side *side, const struct weir_err *why)
{
    if (strcmp(side->unusable.text, why->text) == 0)
        return;
    side->unusable = *why;
    counters_add(follow->parts.counters, COUNTER_SCHEMAS_REFUSED, 1);
    log_warn("schema_refused", "the latest version of %s is refused: %s", side->subject->subject, why->text);
}

/* The newest version of a side into *version, which stays as it is where there is none of use. */
static enum weir_err_code ask(struct follow *follow, struct follow_side *side,
                              struct schemas_version *version, struct weir_err *err)
{
    struct schemas *schemas = follow->parts.schemas;
    if (side->subject->version != WEIR_VERSION_LATEST)
        return WEIR_OK;
    enum weir_err_code code = schemas->ops->subject(schemas, side->subject, version, err);
    if (code == WEIR_OK)
        side->unusable.text[0] = '\0';
    if (code != WEIR_ERR_BAD_SCHEMA)
        return code;
    refuse_unusable(follow, side, err);
    return WEIR_OK;
}

static void note_down(struct follow *follow, const struct weir_err *why)
{
    /* What ends the process is said by who ends it. */
    if (why->code == WEIR_ERR_SCHEMA_CHANGED || follow->down >= 0)
        return;
    follow->down = trouble_join(follow->parts.trouble, why, now_ms(follow));
}

static void note_up(struct follow *follow)
{
    if (follow->down >= 0)
        trouble_leave(follow->parts.trouble, follow->down, now_ms(follow));
    follow->down = -1;
}

/* --- trying --- */

static enum weir_err_code make(const struct follow *follow, struct edition *from, const struct pair *pair,
                               struct edition **out, struct weir_err *err)
{
    struct edition *edition = NULL;
    enum weir_err_code code =
        edition_new(&follow->parts.spec->core, &pair->reader, &pair->output, &edition, err);
    if (code == WEIR_OK)
        code = edition_inherit(edition, from, err);
    if (code == WEIR_OK)
        *out = edition;
    else
        edition_release(edition);
    return code;
}

static void say_taken(const struct follow *follow, const struct follow_side *side,
                      const struct schemas_version *before, const struct schemas_version *after)
{
    char difference[DIFFERENCE_MAX];
    if (same(before, after))
        return;
    difference_print(before->schema, after->schema, difference, sizeof difference);
    counters_add(follow->parts.counters, COUNTER_SCHEMAS_TAKEN, 1);
    log_info("schema", "%s as %s version %lld, was %lld: %s", side->verb, side->subject->subject,
             (long long)after->version, (long long)before->version, difference);
}

static void say_refused(struct follow *follow, struct follow_side *side, const struct schemas_version *newest,
                        const struct schemas_version *in_use, const struct weir_err *why)
{
    if (same(newest, in_use) || same(newest, &side->refused))
        return;
    side->refused = *newest;
    counters_add(follow->parts.counters, COUNTER_SCHEMAS_REFUSED, 1);
    log_warn("schema_refused", "%s version %lld is refused, %s goes on as version %lld: %s",
             side->subject->subject, (long long)newest->version, side->verb, (long long)in_use->version,
             why->text);
}

/* Puts the best of what is new into use. False when memory was short: then it is for the next look. */
static bool try_all(struct follow *follow, struct edition *from, const struct pair *now,
                    const struct pair *newest)
{
    const struct pair choices[] = {*newest, {newest->reader, now->output}, {now->reader, newest->output}};
    const struct pair *taken = now;
    struct weir_err why = {0}, more = {0};
    for (size_t i = 0; i < sizeof choices / sizeof choices[0] && taken == now; i++) {
        struct edition *edition = NULL;
        if (same_pair(&choices[i], now) || (i > 0 && same_pair(&choices[i], newest)))
            continue;
        enum weir_err_code code = make(follow, from, &choices[i], &edition, i == 0 ? &why : &more);
        if (code == WEIR_ERR_NO_MEMORY)
            return false;
        if (code != WEIR_OK)
            continue;
        taken = &choices[i];
        editions_put(follow->parts.editions, edition);
    }
    say_taken(follow, &follow->reader, &now->reader, &taken->reader);
    say_taken(follow, &follow->output, &now->output, &taken->output);
    say_refused(follow, &follow->reader, &newest->reader, &taken->reader, &why);
    say_refused(follow, &follow->output, &newest->output, &taken->output, &why);
    return true;
}

/* --- a look --- */

static bool look_from(struct follow *follow, struct edition *from)
{
    struct weir_err why = {0};
    const struct pair now = {*edition_reader(from), *edition_output(from)};
    const struct pair tried = {follow->tried[0], follow->tried[1]};
    struct pair newest = now;
    enum weir_err_code code = ask(follow, &follow->reader, &newest.reader, &why);
    if (code == WEIR_OK)
        code = ask(follow, &follow->output, &newest.output, &why);
    if (code != WEIR_OK) {
        note_down(follow, &why);
        return false;
    }
    note_up(follow);
    if (same_pair(&newest, &now) || same_pair(&newest, &tried))
        return true;
    if (!try_all(follow, from, &now, &newest))
        return false;
    follow->tried[0] = newest.reader;
    follow->tried[1] = newest.output;
    return true;
}

void follow_look(struct follow *follow)
{
    uint64_t number;
    editions_begin_look(follow->parts.editions);
    struct edition *from = editions_take(follow->parts.editions, &number);
    editions_end_look(follow->parts.editions, look_from(follow, from));
    edition_release(from);
}
