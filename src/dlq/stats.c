#include "dlq/stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dlq/text.h"

/* Width of the bar behind a row's count, in characters. */
#define BAR_WIDTH 30
#define HOUR_MS   INT64_C(3600000)

struct row {
    char name[STATS_NAME_MAX];
    uint64_t count;
};

struct table {
    struct row *rows;
    size_t n, room;
    uint64_t others; /* beyond STATS_ROWS_MAX */
};

struct stats {
    struct table tables[STATS_KINDS];
    uint64_t total;
    int64_t oldest_ms, newest_ms;
    struct letter_place oldest;
};

static const struct {
    const char *json, *title;
    bool sorted_by_name;
} kinds[STATS_KINDS] = {
    {"code", "by code", false},           {"field", "by field", false},
    {"schema_id", "by schema id", false}, {"partition", "by source partition", false},
    {"hour", "by hour (UTC)", true},      {"state", "by state", false},
};

struct stats *stats_new(void)
{
    return calloc(1, sizeof(struct stats));
}

void stats_free(struct stats *stats)
{
    if (!stats)
        return;
    for (int i = 0; i < STATS_KINDS; i++)
        free(stats->tables[i].rows);
    free(stats);
}

static enum weir_err_code grow(struct table *table, struct weir_err *err)
{
    size_t room = table->room ? table->room * 2 : 16;
    struct row *grown = realloc(table->rows, room * sizeof *grown);
    if (!grown)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for statistics");
    table->rows = grown;
    table->room = room;
    return WEIR_OK;
}

static enum weir_err_code count(struct table *table, const char *name, struct weir_err *err)
{
    for (size_t i = 0; i < table->n; i++) {
        if (strcmp(table->rows[i].name, name) != 0)
            continue;
        struct row row = table->rows[i];
        row.count++;
        /* What is frequent moves to the front, where it is found soon. */
        size_t to = i > 0 && row.count > table->rows[i - 1].count ? i - 1 : i;
        table->rows[i] = table->rows[to];
        table->rows[to] = row;
        return WEIR_OK;
    }
    if (table->n == STATS_ROWS_MAX) {
        table->others++;
        return WEIR_OK;
    }
    enum weir_err_code code = table->n == table->room ? grow(table, err) : WEIR_OK;
    if (code != WEIR_OK)
        return code;
    struct row *row = &table->rows[table->n++];
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    row->count = 1;
    return WEIR_OK;
}

static void name_of(enum stats_kind kind, const struct letter *letter, const struct ledger_entry *entry,
                    char *name)
{
    int64_t time_ms = letter_time_ms(letter);
    switch (kind) {
    case STATS_CODE: text_print(letter->code, name, STATS_NAME_MAX); break;
    case STATS_FIELD: text_print(letter->field, name, STATS_NAME_MAX); break;
    case STATS_STATE: (void)snprintf(name, STATS_NAME_MAX, "%s", ledger_states[entry->state]); break;
    case STATS_PARTITION: (void)snprintf(name, STATS_NAME_MAX, "%" PRId32, letter->source.partition); break;
    case STATS_HOUR:
        text_time(time_ms < 0 ? time_ms : time_ms / HOUR_MS * HOUR_MS, name, STATS_NAME_MAX);
        break;
    default: text_print(letter->schema_id, name, STATS_NAME_MAX); break;
    }
}

enum weir_err_code stats_add(struct stats *stats, const struct letter *letter,
                             const struct ledger_entry *entry, struct weir_err *err)
{
    char name[STATS_NAME_MAX];
    enum weir_err_code code = WEIR_OK;
    int64_t time_ms = letter_time_ms(letter);
    for (int i = 0; i < STATS_KINDS && code == WEIR_OK; i++) {
        name_of((enum stats_kind)i, letter, entry, name);
        code = count(&stats->tables[i], name, err);
    }
    if (stats->total == 0 || time_ms < stats->oldest_ms) {
        stats->oldest_ms = time_ms;
        stats->oldest = letter->source;
    }
    if (stats->total == 0 || time_ms > stats->newest_ms)
        stats->newest_ms = time_ms;
    stats->total++;
    return code;
}

static int by_count(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static void sort(struct stats *stats)
{
    for (int i = 0; i < STATS_KINDS; i++)
        if (stats->tables[i].n > 0)
            qsort(stats->tables[i].rows, stats->tables[i].n, sizeof(struct row),
                  kinds[i].sorted_by_name ? by_name : by_count);
}

static bool print_json(const struct stats *stats, FILE *to)
{
    json_t *object = json_pack("{s:I}", "letters", (json_int_t)stats->total);
    if (stats->total > 0) {
        char place[LETTER_PLACE_MAX];
        json_t *oldest = json_pack("{s:s, s:I}", "letter", letter_place_print(&stats->oldest, place), "time",
                                   (json_int_t)stats->oldest_ms);
        (void)json_object_set_new(object, "oldest", oldest);
        (void)json_object_set_new(object, "newest", json_pack("{s:I}", "time", (json_int_t)stats->newest_ms));
    }
    for (int i = 0; i < STATS_KINDS; i++) {
        const struct table *table = &stats->tables[i];
        json_t *rows = json_object();
        for (size_t k = 0; k < table->n; k++)
            (void)json_object_set_new(rows, table->rows[k].name,
                                      json_integer((json_int_t)table->rows[k].count));
        if (table->others > 0)
            (void)json_object_set_new(rows, "(others)", json_integer((json_int_t)table->others));
        (void)json_object_set_new(object, kinds[i].json, rows);
    }
    bool good = json_dumpf(object, to, JSON_COMPACT) == 0 && fputc('\n', to) != EOF;
    json_decref(object);
    return good;
}

static void print_row(FILE *to, int width, const char *name, uint64_t count, uint64_t total)
{
    static const char bar[] = "##############################";
    int len = (int)(count * BAR_WIDTH / total);
    (void)fprintf(to, "  %-*s  %10" PRIu64 "  %5.1f%%%s%.*s\n", width, name, count,
                  100.0 * (double)count / (double)total, len > 0 ? "  " : "", len, bar);
}

static void print_table(const struct stats *stats, int kind, FILE *to)
{
    const struct table *table = &stats->tables[kind];
    int width = 8;
    for (size_t i = 0; i < table->n; i++)
        width = (int)strlen(table->rows[i].name) > width ? (int)strlen(table->rows[i].name) : width;
    (void)fprintf(to, "\n%s\n", kinds[kind].title);
    for (size_t i = 0; i < table->n; i++)
        print_row(to, width, table->rows[i].name, table->rows[i].count, stats->total);
    if (table->others > 0)
        print_row(to, width, "(others)", table->others, stats->total);
}

bool stats_print(struct stats *stats, bool json, int64_t now_ms, FILE *to)
{
    sort(stats);
    if (json)
        return print_json(stats, to);
    (void)fprintf(to, "%" PRIu64 " letter%s\n", stats->total, stats->total == 1 ? "" : "s");
    if (stats->total == 0)
        return !ferror(to);
    char place[LETTER_PLACE_MAX], oldest[TEXT_TIME_MAX], newest[TEXT_TIME_MAX], age[TEXT_SPAN_MAX];
    text_time(stats->oldest_ms, oldest, sizeof oldest);
    text_time(stats->newest_ms, newest, sizeof newest);
    (void)fprintf(to, "oldest  %s, %s ago  %s\nnewest  %s\n", oldest,
                  text_span(now_ms - stats->oldest_ms, age), letter_place_print(&stats->oldest, place),
                  newest);
    for (int i = 0; i < STATS_KINDS; i++)
        print_table(stats, i, to);
    return !ferror(to);
}
