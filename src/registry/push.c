#include "registry/push.h"

#include <assert.h>
#include <stdio.h>

#include "registry/registrar.h"

static void report(struct push *push, const struct push_row *row)
{
    push->counts[row->outcome]++;
    push->report(push->context, row);
}

/* The registry's word comes with the subject's level, and with what weir finds itself: a registry may say no
 * more than no. */
static void explain(const struct push *push, const char *subject, const struct weir_schema *schema,
                    const char *said, char why[ANSWER_TEXT_MAX])
{
    char level[ANSWER_TEXT_MAX] = "", found[ANSWER_TEXT_MAX];
    struct weir_err err;
    (void)registrar_level(push->client, subject, level, &err);
    registrar_explain(push->client, subject, schema, level, found);
    const char *reason = found[0] ? found : said;
    (void)snprintf(why, ANSWER_TEXT_MAX, "not compatible%s%.40s%s%.400s", level[0] ? " under " : "", level,
                   reason[0] ? ": " : "", reason);
}

/* Registers what is not there yet, if the registry would take it: it is asked first, because an answer to
 * that has reasons where a refusal has none. */
static enum weir_err_code bring(struct push *push, struct push_row *row, const struct weir_schema *schema,
                                char why[ANSWER_TEXT_MAX], struct weir_err *err)
{
    struct registrar_opinion opinion;
    struct weir_err refusal;
    enum weir_err_code code = registrar_judge(push->client, row->subject, schema, &opinion, err);
    if (code != WEIR_OK)
        return code;
    row->outcome = PUSH_REFUSED;
    row->why = why;
    if (!opinion.compatible) {
        explain(push, row->subject, schema, opinion.why, why);
        return WEIR_OK;
    }
    code = registrar_register(push->client, row->subject, schema, &row->place, &refusal);
    if (code == WEIR_ERR_INCOMPATIBLE) {
        explain(push, row->subject, schema, refusal.text, why);
        return WEIR_OK;
    }
    if (code != WEIR_OK)
        return weir_fail(err, code, "%s", refusal.text);
    row->outcome = PUSH_REGISTERED;
    row->why = "";
    /* Older registries tell only the id. When it cannot be found either, the version stays unknown. */
    if (row->place.version == 0)
        (void)registrar_find(push->client, row->subject, schema, &row->place, &refusal);
    return WEIR_OK;
}

static enum weir_err_code push_version(struct push *push, struct push_row *row,
                                       const struct weir_schema *schema, struct weir_err *err)
{
    char why[ANSWER_TEXT_MAX];
    struct weir_err absent;
    enum weir_err_code code = registrar_find(push->client, row->subject, schema, &row->place, &absent);
    if (code == WEIR_ERR_NOT_FOUND)
        code = bring(push, row, schema, why, &absent);
    if (code != WEIR_OK)
        return weir_fail(err, code, "%s", absent.text);
    report(push, row);
    return WEIR_OK;
}

static enum weir_err_code push_subject(struct push *push, const char *subject, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    const struct weir_schema *schema;
    bool refused = false;
    int64_t file;
    for (size_t i = 0; code == WEIR_OK && (schema = directory_version(push->directory, subject, i, &file));
         i++) {
        struct push_row row = {
            .subject = subject, .file = file, .outcome = refused ? PUSH_SKIPPED : PUSH_PRESENT, .why = ""};
        if (refused)
            report(push, &row);
        else
            code = push_version(push, &row, schema, err);
        refused = refused || row.outcome == PUSH_REFUSED;
    }
    return code;
}

enum weir_err_code push_folder(struct push *push, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    const char *subject;
    for (size_t i = 0; code == WEIR_OK && (subject = directory_subject_name(push->directory, i)); i++)
        code = push_subject(push, subject, err);
    return code;
}

const char *push_outcome_name(enum push_outcome outcome)
{
    static const char *const names[PUSH_OUTCOMES] = {"registered", "present", "refused", "skipped"};
    assert(outcome < PUSH_OUTCOMES);
    return names[outcome];
}
