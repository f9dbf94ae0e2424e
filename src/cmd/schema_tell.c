#include "cmd/schema_tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "avro/json.h"
#include "weir/arena.h"

/* Most bytes of JSON that a byte of text becomes, and the longest text of a row. */
#define JSON_FACTOR 6
#define TEXT_MAX    1024
/* Columns that a type, and a path on the left, get at least. */
#define TYPE_WIDTH 34
#define PATH_WIDTH 20
/* Columns that the word for how gets, where something follows. */
#define HOW_WIDTH 11

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
