#include "cmd/schema_tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "avro/json.h"
#include "dlq/payload.h"
#include "dlq/text.h"
#include "weir/arena.h"

/* Most bytes of JSON that a byte of text becomes, and the longest text of a row. */
#define JSON_FACTOR 6
#define TEXT_MAX    1024
/* Columns that a type, and a path on the left, get at least. */
#define TYPE_WIDTH 34
#define PATH_WIDTH 20
/* Columns that the word for how gets, where something follows. */
#define HOW_WIDTH 11
/* Longest cell of what became of records. */
#define CELL_MAX 64

/* --- JSON --- */

static void put_value(const char *text)
{
    char room[TEXT_MAX * JSON_FACTOR + 2];
    struct weir_arena arena;
    weir_arena_init(&arena, room, sizeof room);
    if (!text || !text[0] || !json_write_text(&arena, weir_bytes_of(text)))
        fputs("null", stdout);
    else
        (void)fwrite(room, 1, arena.used, stdout);
}

static void put_member(const char *before, const char *name, const char *text)
{
    printf("%s\"%s\":", before, name);
    put_value(text);
}

static void put_number(const char *name, int64_t number)
{
    if (number > 0)
        printf(",\"%s\":%" PRId64, name, number);
    else
        printf(",\"%s\":null", name);
}

/* --- a push --- */

static void push_json(const struct push_row *row)
{
    put_member("{", "subject", row->subject);
    put_number("file", row->file);
    put_member(",", "outcome", push_outcome_name(row->outcome));
    put_number("id", row->place.id);
    put_number("version", row->place.version);
    put_member(",", "why", row->why);
    puts("}");
}

void schema_tell_push(void *context, const struct push_row *row)
{
    const struct schema_tell *tell = context;
    if (tell->json) {
        push_json(row);
        return;
    }
    printf("%-*s  v%-4" PRId64 " %-10s", tell->width, row->subject, row->file,
           push_outcome_name(row->outcome));
    if (row->place.id > 0)
        printf("  id %" PRIu32, row->place.id);
    if (row->place.version > 0)
        printf(", version %" PRId64, row->place.version);
    printf("%s%s\n", row->why[0] ? "  " : "", row->why);
}

void schema_tell_sums(const struct schema_tell *tell, const size_t counts[PUSH_OUTCOMES])
{
    size_t sum = 0;
    if (tell->json)
        return;
    for (size_t i = 0; i < PUSH_OUTCOMES; i++)
        sum += counts[i];
    printf("%zu schema%s:", sum, sum == 1 ? "" : "s");
    for (int i = 0; i < PUSH_OUTCOMES; i++)
        printf("%s %zu %s", i > 0 ? "," : "", counts[i], push_outcome_name((enum push_outcome)i));
    putchar('\n');
}

/* --- a mapping --- */

static void describe(const struct weir_node *type, char text[MAPPING_TEXT_MAX])
{
    text[0] = '\0';
    if (type)
        mapping_type(type, text);
}

static void field_json(const struct mapping_row *row, const char *from_type, const char *to_type)
{
    put_member("{", "part", row->part == MAPPING_READ ? "read" : "write");
    put_member(",", "from", row->from);
    put_member(",", "from_type", from_type);
    put_member(",", "to", row->to);
    put_member(",", "to_type", to_type);
    put_member(",", "how", mapping_how_name(row->how));
    put_member(",", "detail", row->detail);
    puts("}");
}

static void put_heading(struct schema_tell *tell, enum mapping_part part)
{
    if (tell->begun && tell->part == part)
        return;
    printf("%s%s\n", tell->begun ? "\n" : "", part == MAPPING_READ ? "writer -> reader" : "reader -> output");
    tell->begun = true;
    tell->part = part;
}

void schema_tell_field(void *context, const struct mapping_row *row)
{
    struct schema_tell *tell = context;
    char from_type[MAPPING_TEXT_MAX], to_type[MAPPING_TEXT_MAX];
    describe(row->from_type, from_type);
    describe(row->to_type, to_type);
    if (tell->json) {
        field_json(row, from_type, to_type);
        return;
    }
    put_heading(tell, row->part);
    printf("  %-*s %-*s <- ", PATH_WIDTH, row->to ? row->to : "-", TYPE_WIDTH, to_type);
    printf("%-*s %-*s %-*s%s\n", PATH_WIDTH, row->from ? row->from : "-", PATH_WIDTH, from_type,
           row->detail[0] ? HOW_WIDTH : 0, mapping_how_name(row->how), row->detail);
}

void schema_tell_verdict(const struct schema_tell *tell, const char *question, bool good, const char *word,
                         const char *why)
{
    if (tell->json) {
        put_member("{", "question", question);
        printf(",\"good\":%s", good ? "true" : "false");
        put_member(",", "answer", word);
        put_member(",", "why", why);
        puts("}");
        return;
    }
    printf("%s%s: %s%s%s\n", tell->begun ? "\n" : "", question, word, why && why[0] ? ": " : "",
           why ? why : "");
}

/* --- real records --- */

static const char *const sources[REHEARSAL_SOURCES] = {"input", "letters"};

/* What a reason says may come from its field. */
static const char *text_of(const struct rehearsal_reason *reason, const char *mask)
{
    return payload_hides(mask, weir_bytes_of(reason->field)) ? PAYLOAD_MASKED : reason->text;
}

static void put_verdicts(const char *name, const struct rehearsal_sum *sum,
                         uint64_t (*count)(const struct rehearsal_sum *, enum weir_verdict))
{
    printf(",\"%s\":{\"pass\":%" PRIu64 ",\"drop\":%" PRIu64 ",\"reject\":%" PRIu64 "}", name,
           count(sum, WEIR_PASS), count(sum, WEIR_DROP), count(sum, WEIR_REJECT));
}

static void sum_json(enum rehearsal_of of, const char *topic, const struct rehearsal_sum *sum)
{
    put_member("{", "records", sources[of]);
    put_member(",", "topic", topic);
    printf(",\"count\":%" PRIu64 ",\"unjudged\":%" PRIu64, sum->records, sum->unjudged);
    put_verdicts("now", sum, rehearsal_now);
    put_verdicts("then", sum, rehearsal_then);
    printf(",\"worse\":%" PRIu64 "}\n", rehearsal_worse(sum));
}

static void reason_json(const struct rehearsal_reason *reason, const char *mask)
{
    char place[LETTER_PLACE_MAX];
    put_member("{", "fails", sources[reason->of]);
    put_member(",", "now", weir_verdict_name(reason->now));
    put_member(",", "then", weir_verdict_name(reason->then));
    put_member(",", "code", weir_code_name(reason->code));
    put_member(",", "field", reason->field);
    put_member(",", "rule", reason->rule);
    printf(",\"count\":%" PRIu64, reason->count);
    put_member(",", "example", letter_place_print(&reason->example, place));
    put_member(",", "why", text_of(reason, mask));
    puts("}");
}

static void sum_line(enum rehearsal_of of, const char *topic, const struct rehearsal_sum *sum)
{
    printf("  %-8s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "  %s", sources[of], sum->records,
           rehearsal_now(sum, WEIR_PASS), rehearsal_then(sum, WEIR_PASS), rehearsal_worse(sum), topic);
    if (sum->unjudged > 0)
        printf(", and %" PRIu64 " that only say where their record is", sum->unjudged);
    putchar('\n');
}

static void reason_line(const struct rehearsal_reason *reason, const char *mask)
{
    char place[LETTER_PLACE_MAX], field[CELL_MAX], text[TEXT_MAX];
    const char *where = reason->field[0] ? reason->field : reason->rule;
    printf("  %-8s %10" PRIu64 "  %-6s  %-16s  %-16s  %s  %s\n", sources[reason->of], reason->count,
           weir_verdict_name(reason->now),
           reason->then == WEIR_REJECT ? weir_code_name(reason->code) : weir_verdict_name(reason->then),
           text_print(weir_bytes_of(where), field, sizeof field), letter_place_print(&reason->example, place),
           text_print(weir_bytes_of(text_of(reason, mask)), text, sizeof text));
}

static void tell_sums(const struct schema_tell *tell, const struct rehearsal *rehearsal,
                      const char *const topics[REHEARSAL_SOURCES])
{
    if (!tell->json)
        printf("%s  %-8s %10s %10s %10s %10s  %s\n", tell->begun ? "\n" : "", "RECORDS", "RUN", "PASS NOW",
               "WOULD PASS", "WORSE", "TOPIC");
    for (int of = 0; of < REHEARSAL_SOURCES; of++)
        (tell->json ? sum_json : sum_line)((enum rehearsal_of)of, topics[of], &rehearsal->sums[of]);
}

static void tell_reasons(const struct schema_tell *tell, const struct rehearsal *rehearsal, const char *mask)
{
    if (!tell->json && rehearsal->n_reasons > 0)
        printf("\n  %-8s %10s  %-6s  %-16s  %-16s  %s\n", "FAILS", "COUNT", "NOW", "THEN", "FIELD",
               "FOR EXAMPLE");
    for (size_t i = 0; i < rehearsal->n_reasons; i++)
        (tell->json ? reason_json : reason_line)(&rehearsal->reasons[i], mask);
    if (!tell->json && rehearsal->others > 0)
        printf("  and %" PRIu64 " for other reasons\n", rehearsal->others);
}

void schema_tell_rehearsal(const struct schema_tell *tell, const struct rehearsal *rehearsal,
                           const struct weir_spec *spec)
{
    const char *const topics[REHEARSAL_SOURCES] = {spec->core.input_topic, spec->dead_letter.topic};
    const struct rehearsal_sum *input = &rehearsal->sums[REHEARSAL_INPUT];
    const struct rehearsal_sum *letters = &rehearsal->sums[REHEARSAL_LETTERS];
    uint64_t worse = rehearsal_worse(input) + rehearsal_worse(letters);
    char why[TEXT_MAX];
    tell_sums(tell, rehearsal, topics);
    tell_reasons(tell, rehearsal, spec->dead_letter.mask);
    (void)snprintf(why, sizeof why,
                   "%" PRIu64 " dead letters would pass, of %" PRIu64 "; of %" PRIu64
                   " records of the input %" PRIu64 " pass today and %" PRIu64 " would",
                   rehearsal_then(letters, WEIR_PASS), letters->records, input->records,
                   rehearsal_now(input, WEIR_PASS), rehearsal_then(input, WEIR_PASS));
    schema_tell_verdict(tell, "records", worse == 0,
                        worse == 0 ? "none comes off worse" : "some come off worse", why);
}
