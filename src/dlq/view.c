#include "dlq/view.h"

#include <stdlib.h>
#include <string.h>

#include "sys/clock.h"

/* How long one look for a record may take, and how many records are passed over in one call. */
#define LOOK_MS   100
#define LOOK_MOST 10000

struct view {
    struct view_options options;
    struct range *range;
    struct view_item item;
    struct view_counts counts;
    struct weir_header *headers;
    size_t room;
};

enum weir_err_code view_open(const struct view_options *options, struct view **out, struct weir_err *err)
{
    struct view *view = calloc(1, sizeof *view);
    if (!view)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for letters");
    view->options = *options;
    const struct range_options range = {.spec = options->spec,
                                        .client = options->client,
                                        .topic = options->spec->dead_letter.topic,
                                        .since_ms = -1};
    enum weir_err_code code = range_open(&range, &view->range, err);
    if (code == WEIR_OK)
        *out = view;
    else
        view_close(view);
    return code;
}

void view_close(struct view *view)
{
    if (!view)
        return;
    range_close(view->range);
    free(view->headers);
    free(view);
}

static bool is_named(const struct view_options *options, const struct letter_place *place)
{
    for (size_t i = 0; i < options->n_places; i++) {
        const struct letter_place *named = &options->places[i];
        if (named->partition == place->partition && named->offset == place->offset &&
            strcmp(named->topic, place->topic) == 0)
            return true;
    }
    return options->n_places == 0;
}

static bool need_headers(struct view *view, size_t n)
{
    if (n <= view->room)
        return true;
    struct weir_header *grown = realloc(view->headers, n * sizeof *grown);
    if (!grown)
        return false;
    view->headers = grown;
    view->room = n;
    return true;
}

static bool may_be_meant(const struct view *view, const struct view_item *item)
{
    const struct view_options *options = &view->options;
    bool any_state = options->closed || filter_names_state(options->filter);
    return is_named(options, &item->letter.source) && (any_state || item->entry.state == LEDGER_OPEN);
}

static enum weir_err_code judge(struct view *view, struct view_item *item, int64_t now_ms,
                                struct weir_err *err)
{
    const struct view_options *options = &view->options;
    if (item->letter.reference || !(options->judge || filter_needs_verdict(options->filter)))
        return WEIR_OK;
    item->judged = true;
    return verdict_of(options->verdict, &item->original, now_ms, &item->outcome, err);
}

/* Whether the record is a letter that is meant; the item is filled then. */
static enum weir_err_code look_at(struct view *view, const struct weir_record *record, bool *meant,
                                  struct weir_err *err)
{
    struct view_item *item = &view->item;
    *item = (struct view_item){.judged = false};
    *meant = false;
    view->counts.read++;
    if (!letter_read(record, &item->letter) ||
        !letter_is_of(&item->letter, view->options.spec->core.pipeline)) {
        view->counts.foreign++;
        return WEIR_OK;
    }
    item->entry = ledger_find(view->options.ledger, &item->letter.source);
    if (!may_be_meant(view, item))
        return WEIR_OK;
    if (!need_headers(view, record->n_headers))
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the headers of a letter");
    letter_original(&item->letter, view->options.spec->dead_letter.dialect, view->headers, &item->original);
    int64_t now_ms = clock_wall_ms();
    enum weir_err_code code = judge(view, item, now_ms, err);
    const struct filter_facts facts = {.letter = &item->letter,
                                       .entry = &item->entry,
                                       .now_ms = now_ms,
                                       .passes_now = item->judged && item->outcome.verdict == WEIR_PASS};
    *meant = code == WEIR_OK && filter_matches(view->options.filter, &facts);
    view->counts.met += *meant;
    return code;
}

enum weir_err_code view_next(struct view *view, const struct view_item **out, struct weir_err *err)
{
    *out = NULL;
    for (int i = 0; i < LOOK_MOST; i++) {
        bool meant;
        const struct weir_record *record;
        enum weir_err_code code = range_next(view->range, LOOK_MS, &record, err);
        if (code != WEIR_OK || !record)
            return code;
        code = look_at(view, record, &meant, err);
        if (code != WEIR_OK)
            return code;
        if (meant) {
            *out = &view->item;
            return WEIR_OK;
        }
    }
    return WEIR_OK;
}

bool view_done(const struct view *view)
{
    return range_done(view->range);
}

struct view_counts view_counts(const struct view *view)
{
    return view->counts;
}

void view_progress(const struct view *view, int64_t *done, int64_t *total)
{
    range_progress(view->range, done, total);
}
