#include "audit/compare.h"

#include <stdlib.h>
#include <string.h>

/* Most records that must come of one input record: a letter, and its replay. */
#define JUDGED_DUE_MAX 2

const char *const compare_kinds[COMPARE_KINDS] = {"lost", "doubled", "misrouted", "altered", "foreign"};

struct part {
    struct compare_range range;
    uint64_t *sums; /* of its windows */
    size_t n;
};

struct entry {
    struct compare_sight sight;
    bool expected;
};

struct window {
    int32_t partition;
    size_t number;
};

struct compare {
    struct sip_key key;
    struct part *parts;
    int32_t n_parts;
    uint64_t *sums;
    bool looking;
    struct window looked[COMPARE_LOOKED_MAX];
    size_t n_looked, most_looked;
    bool overflowed;    /* not all entries of these windows were kept */
    struct window next; /* where the search for damaged windows goes on */
    struct entry *entries;
    size_t n_entries, cap_entries;
    bool short_of_memory;
};

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for comparing");
}

static size_t windows_of(const struct compare_range *range)
{
    return range->until > range->from
               ? (size_t)((range->until - range->from + COMPARE_WINDOW - 1) >> COMPARE_WINDOW_BITS)
               : 0;
}

static enum weir_err_code lay_out(struct compare *compare, const struct compare_range *ranges,
                                  struct weir_err *err)
{
    size_t total = 0, at = 0;
    for (int32_t p = 0; p < compare->n_parts; p++) {
        size_t n = windows_of(&ranges[p]);
        if (n > COMPARE_SUMS_MAX - total)
            return weir_fail(
                err, WEIR_ERR_USAGE,
                "there are too many records to be judged at once; --partition takes one partition");
        compare->parts[p] = (struct part){.range = ranges[p], .n = n};
        total += n;
    }
    compare->sums = calloc(total ? total : 1, sizeof *compare->sums);
    if (!compare->sums)
        return no_memory(err);
    for (int32_t p = 0; p < compare->n_parts; p++) {
        compare->parts[p].sums = compare->sums + at;
        at += compare->parts[p].n;
    }
    return WEIR_OK;
}

enum weir_err_code compare_new(const struct compare_range *ranges, int32_t n, const struct sip_key *key,
                               struct compare **out, struct weir_err *err)
{
    struct compare *compare = calloc(1, sizeof *compare);
    if (!compare)
        return no_memory(err);
    compare->key = *key;
    compare->most_looked = COMPARE_LOOKED_MAX;
    compare->n_parts = n;
    compare->parts = calloc(n > 0 ? (size_t)n : 1, sizeof *compare->parts);
    enum weir_err_code code = compare->parts ? lay_out(compare, ranges, err) : no_memory(err);
    if (code == WEIR_OK)
        *out = compare;
    else
        compare_free(compare);
    return code;
}

void compare_free(struct compare *compare)
{
    if (!compare)
        return;
    free(compare->entries);
    free(compare->sums);
    free(compare->parts);
    free(compare);
}

bool compare_covers(const struct compare *compare, int32_t partition, int64_t offset)
{
    if (partition < 0 || partition >= compare->n_parts)
        return false;
    const struct compare_range *range = &compare->parts[partition].range;
    return offset >= range->from && offset < range->until;
}

static size_t window_of(const struct part *part, int64_t offset)
{
    return (size_t)((offset - part->range.from) >> COMPARE_WINDOW_BITS);
}

/* --- sums --- */

/* All that is compared, as bytes; its layout matters to nobody else. */
static uint64_t hash_of(const struct compare *compare, const struct compare_sight *sight)
{
    const uint64_t words[] = {(uint64_t)sight->partition << 32 | (uint32_t)sight->to,
                              (uint64_t)sight->offset,
                              (uint64_t)sight->where,
                              sight->value,
                              sight->key,
                              sight->headers,
                              sight->time};
    return sip_hash(&compare->key, (struct weir_bytes){(const uint8_t *)words, sizeof words});
}

static void keep(struct compare *compare, const struct compare_sight *sight, bool expected)
{
    if (!compare_looks_at(compare, sight->partition, sight->offset))
        return;
    if (compare->n_entries == COMPARE_ENTRIES_MAX) {
        compare->overflowed = true;
        return;
    }
    if (compare->n_entries == compare->cap_entries) {
        size_t cap = compare->cap_entries ? compare->cap_entries * 2 : (size_t)COMPARE_WINDOW;
        struct entry *grown = realloc(compare->entries, cap * sizeof *grown);
        compare->short_of_memory = compare->short_of_memory || !grown;
        if (!grown)
            return;
        compare->entries = grown;
        compare->cap_entries = cap;
    }
    compare->entries[compare->n_entries++] = (struct entry){*sight, expected};
}

void compare_expect(struct compare *compare, const struct compare_sight *sight)
{
    struct part *part = &compare->parts[sight->partition];
    if (compare->looking)
        keep(compare, sight, true);
    else if (sight->where != COMPARE_NOWHERE)
        part->sums[window_of(part, sight->offset)] += hash_of(compare, sight);
}

void compare_find(struct compare *compare, const struct compare_sight *sight)
{
    struct part *part = &compare->parts[sight->partition];
    if (compare->looking)
        keep(compare, sight, false);
    else
        part->sums[window_of(part, sight->offset)] -= hash_of(compare, sight);
}

/* --- the second look --- */

bool compare_look(struct compare *compare)
{
    struct window *next = &compare->next;
    compare->looking = true;
    compare->overflowed = false;
    compare->n_looked = compare->n_entries = 0;
    for (; next->partition < compare->n_parts; next->partition++, next->number = 0)
        for (; next->number < compare->parts[next->partition].n; next->number++) {
            if (compare->n_looked == compare->most_looked)
                return true;
            if (compare->parts[next->partition].sums[next->number] != 0)
                compare->looked[compare->n_looked++] = *next;
        }
    return compare->n_looked > 0;
}

size_t compare_looked(const struct compare *compare)
{
    return compare->n_looked;
}

bool compare_looks_at(const struct compare *compare, int32_t partition, int64_t offset)
{
    if (!compare_covers(compare, partition, offset))
        return false;
    size_t number = window_of(&compare->parts[partition], offset);
    for (size_t i = 0; i < compare->n_looked; i++)
        if (compare->looked[i].partition == partition && compare->looked[i].number == number)
            return true;
    return false;
}

struct compare_range compare_span(const struct compare *compare, int32_t partition)
{
    const struct part *part = &compare->parts[partition];
    struct compare_range span = {0, 0};
    for (size_t i = 0; i < compare->n_looked; i++) {
        if (compare->looked[i].partition != partition)
            continue;
        int64_t from = part->range.from + ((int64_t)compare->looked[i].number << COMPARE_WINDOW_BITS);
        if (span.from == span.until)
            span.from = from;
        span.until = from + COMPARE_WINDOW;
    }
    if (span.until > part->range.until)
        span.until = part->range.until;
    return span;
}

static int by_number(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_coordinates(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = by_number(x->sight.partition, y->sight.partition);
    if (order == 0)
        order = by_number(x->sight.offset, y->sight.offset);
    if (order == 0)
        order = (int)y->expected - (int)x->expected;
    if (order == 0)
        order = by_number(x->sight.where, y->sight.where);
    if (order == 0)
        order = by_number(x->sight.to, y->sight.to);
    return order ? order : by_number(x->sight.at, y->sight.at);
}

static unsigned difference(const struct compare_sight *a, const struct compare_sight *b)
{
    return (a->value != b->value ? COMPARE_VALUE : 0U) | (a->key != b->key ? COMPARE_KEY : 0U) |
           (a->headers != b->headers ? COMPARE_HEADERS : 0U) | (a->time != b->time ? COMPARE_TIME : 0U) |
           (a->to != b->to ? COMPARE_PARTITION : 0U);
}

static bool same(const struct compare_sight *a, const struct compare_sight *b)
{
    return a->where == b->where && difference(a, b) == 0;
}

/* The first of n entries that has no equal among the m others, each of which is equal to one at most: both
 * are in the same order. NULL: all have. */
static const struct compare_sight *first_odd(const struct entry *entries, size_t n,
                                             const struct entry *others, size_t m)
{
    bool taken[JUDGED_DUE_MAX] = {false};
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < m && ((k < JUDGED_DUE_MAX && taken[k]) || !same(&entries[i].sight, &others[k].sight)))
            k++;
        if (k == m)
            return &entries[i].sight;
        if (k < JUDGED_DUE_MAX)
            taken[k] = true;
    }
    return NULL;
}

static enum compare_kind kind_of(const struct compare_finding *finding, const struct compare_sight *due)
{
    if (finding->found > finding->due)
        return finding->due > 0 ? COMPARE_DOUBLED : COMPARE_MISROUTED;
    if (finding->found < finding->due)
        return COMPARE_LOST;
    return due->where != finding->first.where || finding->parts == COMPARE_PARTITION ? COMPARE_MISROUTED
                                                                                     : COMPARE_ALTERED;
}

/* One input record: its entries, the expected ones first. False: it is as it must be. */
static bool judge_group(const struct entry *group, size_t n, struct compare_finding *finding)
{
    size_t expected = 0;
    *finding = (struct compare_finding){.partition = group->sight.partition, .offset = group->sight.offset};
    while (expected < n && group[expected].expected)
        expected++;
    /* That nothing must come of it stands there too, so that the record is known to exist. */
    size_t nowhere = expected > 0 && group->sight.where == COMPARE_NOWHERE;
    const struct entry *due = group + nowhere, *found = group + expected;
    finding->due = expected - nowhere;
    finding->found = n - expected;
    const struct compare_sight *missing = first_odd(due, finding->due, found, finding->found);
    const struct compare_sight *odd = first_odd(found, finding->found, due, finding->due);
    finding->expected = missing ? missing->where : COMPARE_NOWHERE;
    finding->first = odd ? *odd : (struct compare_sight){.where = COMPARE_NOWHERE};
    finding->parts = odd && missing ? difference(missing, odd) : 0;
    if (!odd && !missing)
        return false;
    finding->kind = expected == 0 ? COMPARE_FOREIGN : kind_of(finding, missing);
    return true;
}

enum weir_err_code compare_tell(struct compare *compare,
                                void (*tell)(void *context, const struct compare_finding *finding),
                                void *context, struct weir_err *err)
{
    const struct entry *entries = compare->entries;
    if (compare->short_of_memory)
        return no_memory(err);
    if (compare->overflowed && compare->n_looked > 1) {
        compare->most_looked = compare->n_looked / 2;
        compare->next = compare->looked[0];
        return WEIR_OK;
    }
    if (compare->n_entries > 0)
        qsort(compare->entries, compare->n_entries, sizeof *entries, by_coordinates);
    for (size_t i = 0, end; i < compare->n_entries; i = end) {
        struct compare_finding finding;
        for (end = i + 1; end < compare->n_entries; end++)
            if (entries[end].sight.partition != entries[i].sight.partition ||
                entries[end].sight.offset != entries[i].sight.offset)
                break;
        bool wrong = judge_group(entries + i, end - i, &finding);
        if (wrong && !(compare->overflowed && finding.kind == COMPARE_LOST))
            tell(context, &finding);
    }
    return WEIR_OK;
}
