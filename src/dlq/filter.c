#include "dlq/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/format.h"
#include "weir/nearest.h"

enum name {
    NAME_CODE,
    NAME_STAGE,
    NAME_FIELD,
    NAME_MESSAGE,
    NAME_PIPELINE,
    NAME_TOPIC,
    NAME_KEY,
    NAME_SCHEMA_ID,
    NAME_STATE,
    NAME_PARTITION,
    NAME_OFFSET,
    NAME_READER_VERSION,
    NAME_ATTEMPTS,
    NAME_TIME,
    NAME_AGE,
    NAME_PASSES_NOW,
    NAMES
};

enum kind { KIND_TEXT, KIND_NUMBER, KIND_TIME, KIND_SPAN, KIND_TRUTH };

static const char *const names[NAMES] = {
    [NAME_CODE] = "code",         [NAME_STAGE] = "stage",
    [NAME_FIELD] = "field",       [NAME_MESSAGE] = "message",
    [NAME_PIPELINE] = "pipeline", [NAME_TOPIC] = "topic",
    [NAME_KEY] = "key",           [NAME_SCHEMA_ID] = "schema_id",
    [NAME_STATE] = "state",       [NAME_PARTITION] = "partition",
    [NAME_OFFSET] = "offset",     [NAME_READER_VERSION] = "reader_version",
    [NAME_ATTEMPTS] = "attempts", [NAME_TIME] = "time",
    [NAME_AGE] = "age",           [NAME_PASSES_NOW] = "passes_now",
};

static enum kind kind_of(enum name name)
{
    if (name <= NAME_STATE)
        return KIND_TEXT;
    if (name <= NAME_ATTEMPTS)
        return KIND_NUMBER;
    return name == NAME_TIME ? KIND_TIME : name == NAME_AGE ? KIND_SPAN : KIND_TRUTH;
}

enum operator{ OP_EQUAL, OP_UNEQUAL, OP_LESS, OP_AT_MOST, OP_MORE, OP_AT_LEAST, OPERATORS };

/* Those of two characters first, for the others begin them. */
static const struct {
    const char *text;
    enum operator op;
} operators[OPERATORS] = {{"!=", OP_UNEQUAL}, {"<=", OP_AT_MOST}, {">=", OP_AT_LEAST},
                          {"=", OP_EQUAL},    {"<", OP_LESS},     {">", OP_MORE}};

/* A filter in the order in which it is worked out: terms push a truth, the others combine those on top. */
enum step_kind { STEP_TERM, STEP_AND, STEP_OR, STEP_NOT };

struct step {
    enum step_kind kind;
    enum name name;
    enum operator op;
    int64_t number;
    struct weir_bytes text; /* borrowed from the filter's copy */
};

/* Each term can have one step that joins it to the others, and one that turns it round. */
#define STEPS_MAX (FILTER_TERMS_MAX * 3)

struct filter {
    struct step steps[STEPS_MAX];
    size_t n;
    char text[FILTER_TEXT_MAX];
    size_t used;
};

/* --- reading --- */

struct parser {
    const char *text, *at;
    struct filter *filter;
    size_t terms;
    int depth;
    struct weir_err *err;
};

static enum weir_err_code fail_at(const struct parser *parser, const char *at, const char *what)
{
    return weir_fail(parser->err, WEIR_ERR_USAGE, "filter, character %d: %s", (int)(at - parser->text) + 1,
                     what);
}

static void skip_space(struct parser *parser)
{
    parser->at += strspn(parser->at, " \t\r\n");
}

/* How long the word is that begins here; 0: there is none. */
static size_t word_length(const char *at)
{
    return strcspn(at, " \t\r\n()=!<>\"'");
}

static bool next_is(const struct parser *parser, const char *word)
{
    size_t len = word_length(parser->at);
    return len == strlen(word) && strncmp(parser->at, word, len) == 0;
}

static enum weir_err_code add_step(struct parser *parser, const struct step *step)
{
    if (parser->filter->n == STEPS_MAX)
        return fail_at(parser, parser->at, "too many conditions");
    parser->filter->steps[parser->filter->n++] = *step;
    return WEIR_OK;
}

static enum weir_err_code read_name(struct parser *parser, enum name *out)
{
    char word[WEIR_NEAREST_LENGTH_MAX + 1], what[160];
    size_t len = word_length(parser->at);
    if (len == 0)
        return fail_at(parser, parser->at,
                       *parser->at ? "a name is missing here, such as code or field"
                                   : "it ends where a condition should follow");
    (void)snprintf(word, sizeof word, "%.*s", len < sizeof word ? (int)len : (int)sizeof word - 1,
                   parser->at);
    for (int i = 0; i < NAMES; i++) {
        if (strcmp(names[i], word) == 0 && len == strlen(word)) {
            parser->at += len;
            *out = (enum name)i;
            return WEIR_OK;
        }
    }
    const char *near = weir_nearest(word, names, NAMES);
    (void)snprintf(what, sizeof what, "'%s' is no name%s%s%s", word, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
    return fail_at(parser, parser->at, what);
}

static enum weir_err_code read_operator(struct parser *parser, enum name name, enum operator* op)
{
    char what[96];
    skip_space(parser);
    for (int i = 0; i < OPERATORS; i++) {
        size_t len = strlen(operators[i].text);
        if (strncmp(parser->at, operators[i].text, len) != 0)
            continue;
        *op = operators[i].op;
        if (kind_of(name) == KIND_TEXT && *op > OP_UNEQUAL) {
            (void)snprintf(what, sizeof what, "%s can only be compared with = and !=", names[name]);
            return fail_at(parser, parser->at, what);
        }
        parser->at += len;
        return WEIR_OK;
    }
    return fail_at(parser, parser->at, "one of = != < <= > >= is missing here");
}

/* The characters of a value, NUL-terminated in the filter's memory: a word, or what stands in quotes. */
static enum weir_err_code read_text(struct parser *parser, const char **out, size_t *len)
{
    skip_space(parser);
    const char *from = parser->at;
    char quote = *from == '"' || *from == '\'' ? *from : '\0';
    struct filter *filter = parser->filter;
    char *to = filter->text + filter->used;
    *out = to;
    if (!quote) {
        *len = word_length(from);
        if (*len == 0)
            return fail_at(parser, from, "a value is missing here");
        memcpy(to, from, *len);
        parser->at += *len;
    } else {
        const char *end = strchr(from + 1, quote);
        if (!end)
            return fail_at(parser, from, "the quote is not closed");
        *len = (size_t)(end - from) - 1;
        memcpy(to, from + 1, *len);
        parser->at = end + 1;
    }
    to[*len] = '\0';
    filter->used += *len + 1;
    return WEIR_OK;
}

/* A code or a state that does not exist can never be met: it is a slip. */
static enum weir_err_code check_word(struct parser *parser, const char *at, enum name name, const char *text)
{
    const char *codes[WEIR_CODE_COUNT];
    const char *const *known = ledger_states;
    size_t n = LEDGER_STATES;
    char what[200];
    if (name == NAME_CODE) {
        for (int i = 0; i < WEIR_CODE_COUNT; i++)
            codes[i] = weir_code_name((enum weir_code)i);
        known = codes;
        n = WEIR_CODE_COUNT;
    } else if (name != NAME_STATE) {
        return WEIR_OK;
    }
    for (size_t i = 0; i < n; i++)
        if (*text && strcmp(known[i], text) == 0)
            return WEIR_OK;
    const char *near = weir_nearest(text, known, n);
    (void)snprintf(what, sizeof what, "'%.64s' is no %s%s%s%s", text, names[name],
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return fail_at(parser, at, what);
}

static enum weir_err_code read_value(struct parser *parser, struct step *step)
{
    static const char *const wanted[] = {
        [KIND_TEXT] = "",
        [KIND_NUMBER] = "a number is wanted here",
        [KIND_TIME] = "a time is wanted here, such as 2026-01-31 or 2026-01-31T12:00:00Z",
        [KIND_SPAN] = "a time span is wanted here, such as 90m, 1h30m or 2d",
        [KIND_TRUTH] = "true or false is wanted here",
    };
    const char *text;
    size_t len;
    skip_space(parser);
    const char *at = parser->at;
    enum weir_err_code code = read_text(parser, &text, &len);
    if (code != WEIR_OK)
        return code;
    step->text = (struct weir_bytes){(const uint8_t *)text, len};
    bool good = true;
    switch (kind_of(step->name)) {
    case KIND_TEXT: return check_word(parser, at, step->name, text);
    case KIND_NUMBER: good = format_integer(step->text, &step->number); break;
    case KIND_TIME: good = filter_read_time(text, &step->number); break;
    case KIND_SPAN: good = filter_read_span(text, &step->number); break;
    case KIND_TRUTH:
        step->number = strcmp(text, "true") == 0;
        good = step->number || strcmp(text, "false") == 0;
        break;
    }
    return good ? WEIR_OK : fail_at(parser, at, wanted[kind_of(step->name)]);
}

static enum weir_err_code read_term(struct parser *parser)
{
    struct step step = {.kind = STEP_TERM, .op = OP_EQUAL, .number = 1};
    if (++parser->terms > FILTER_TERMS_MAX)
        return fail_at(parser, parser->at, "too many conditions");
    enum weir_err_code code = read_name(parser, &step.name);
    if (code != WEIR_OK)
        return code;
    skip_space(parser);
    bool alone = kind_of(step.name) == KIND_TRUTH && (!*parser->at || !strchr("=!<>", *parser->at));
    if (!alone)
        code = read_operator(parser, step.name, &step.op);
    if (!alone && code == WEIR_OK)
        code = read_value(parser, &step);
    return code == WEIR_OK ? add_step(parser, &step) : code;
}

static enum weir_err_code read_any(struct parser *parser);

static enum weir_err_code read_one(struct parser *parser)
{
    skip_space(parser);
    if (++parser->depth > FILTER_DEPTH_MAX)
        return fail_at(parser, parser->at, "too many parentheses or nots within one another");
    enum weir_err_code code;
    if (next_is(parser, "not")) {
        parser->at += strlen("not");
        code = read_one(parser);
        if (code == WEIR_OK)
            code = add_step(parser, &(struct step){.kind = STEP_NOT});
    } else if (*parser->at == '(') {
        parser->at++;
        code = read_any(parser);
        if (code == WEIR_OK && *parser->at != ')')
            return fail_at(parser, parser->at, "a ) is missing here");
        parser->at += code == WEIR_OK;
    } else {
        code = read_term(parser);
    }
    parser->depth--;
    skip_space(parser);
    return code;
}

static enum weir_err_code read_all(struct parser *parser)
{
    enum weir_err_code code = read_one(parser);
    while (code == WEIR_OK && next_is(parser, "and")) {
        parser->at += strlen("and");
        code = read_one(parser);
        if (code == WEIR_OK)
            code = add_step(parser, &(struct step){.kind = STEP_AND});
    }
    return code;
}

static enum weir_err_code read_any(struct parser *parser)
{
    enum weir_err_code code = read_all(parser);
    while (code == WEIR_OK && next_is(parser, "or")) {
        parser->at += strlen("or");
        code = read_all(parser);
        if (code == WEIR_OK)
            code = add_step(parser, &(struct step){.kind = STEP_OR});
    }
    return code;
}

enum weir_err_code filter_parse(const char *text, struct filter **out, struct weir_err *err)
{
    /* A value takes no more room in the copy than in the text but for its NUL. */
    if (strlen(text) > FILTER_TEXT_MAX - FILTER_TERMS_MAX - 1)
        return weir_fail(err, WEIR_ERR_USAGE, "filter: more than %d characters",
                         FILTER_TEXT_MAX - FILTER_TERMS_MAX - 1);
    struct filter *filter = calloc(1, sizeof *filter);
    if (!filter)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a filter");
    struct parser parser = {.text = text, .at = text, .filter = filter, .err = err};
    enum weir_err_code code = read_any(&parser);
    if (code == WEIR_OK && *parser.at)
        code = fail_at(&parser, parser.at, "'and' or 'or' is missing here");
    if (code == WEIR_OK)
        *out = filter;
    else
        filter_free(filter);
    return code;
}

void filter_free(struct filter *filter)
{
    free(filter);
}

/* --- matching --- */

static struct weir_bytes text_of(enum name name, const struct filter_facts *facts)
{
    const struct letter *letter = facts->letter;
    switch (name) {
    case NAME_CODE: return letter->code;
    case NAME_STAGE: return letter->stage;
    case NAME_FIELD: return letter->field;
    case NAME_MESSAGE: return letter->message;
    case NAME_PIPELINE: return letter->pipeline;
    case NAME_TOPIC: return weir_bytes_of(letter->source.topic);
    case NAME_KEY: return letter->record->key;
    case NAME_SCHEMA_ID: return letter->schema_id;
    default: return weir_bytes_of(ledger_states[facts->entry->state]);
    }
}

/* False when the letter has no such number. */
static bool number_of(enum name name, const struct filter_facts *facts, int64_t *out)
{
    const struct letter *letter = facts->letter;
    switch (name) {
    case NAME_PARTITION: *out = letter->source.partition; break;
    case NAME_OFFSET: *out = letter->source.offset; break;
    case NAME_READER_VERSION: *out = letter->reader_version; break;
    case NAME_ATTEMPTS: *out = facts->entry->attempts; break;
    case NAME_TIME: *out = letter_time_ms(letter); break;
    case NAME_AGE: *out = facts->now_ms - letter_time_ms(letter); return letter_time_ms(letter) >= 0;
    default: *out = facts->passes_now; break;
    }
    return *out >= 0;
}

static bool compare(enum operator op, int64_t a, int64_t b)
{
    switch (op) {
    case OP_EQUAL: return a == b;
    case OP_UNEQUAL: return a != b;
    case OP_LESS: return a < b;
    case OP_AT_MOST: return a <= b;
    case OP_MORE: return a > b;
    default: return a >= b;
    }
}

static bool holds(const struct step *step, const struct filter_facts *facts)
{
    int64_t number;
    if (kind_of(step->name) == KIND_TEXT)
        return weir_bytes_equal(text_of(step->name, facts), step->text) == (step->op == OP_EQUAL);
    if (!number_of(step->name, facts, &number))
        return step->op == OP_UNEQUAL;
    return compare(step->op, number, step->number);
}

bool filter_matches(const struct filter *filter, const struct filter_facts *facts)
{
    bool stack[FILTER_TERMS_MAX];
    size_t top = 0;
    for (size_t i = 0; filter && i < filter->n; i++) {
        const struct step *step = &filter->steps[i];
        switch (step->kind) {
        case STEP_TERM: stack[top++] = holds(step, facts); break;
        case STEP_NOT: stack[top - 1] = !stack[top - 1]; break;
        case STEP_AND: top--, stack[top - 1] = stack[top - 1] && stack[top]; break;
        case STEP_OR: top--, stack[top - 1] = stack[top - 1] || stack[top]; break;
        }
    }
    return top == 0 || stack[0];
}

static bool names_it(const struct filter *filter, enum name name)
{
    for (size_t i = 0; filter && i < filter->n; i++)
        if (filter->steps[i].kind == STEP_TERM && filter->steps[i].name == name)
            return true;
    return false;
}

bool filter_needs_verdict(const struct filter *filter)
{
    return names_it(filter, NAME_PASSES_NOW);
}

bool filter_names_state(const struct filter *filter)
{
    return names_it(filter, NAME_STATE);
}

/* --- times --- */

bool filter_read_span(const char *text, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    enum { UNITS = sizeof units / sizeof units[0], DIGITS_MAX = 9 };
    int64_t total = 0;
    if (!*text)
        return false;
    while (*text) {
        int64_t number;
        size_t digits = strspn(text, "0123456789"), letters = strcspn(text + digits, "0123456789");
        if (digits == 0 || digits > DIGITS_MAX ||
            !format_integer((struct weir_bytes){(const uint8_t *)text, digits}, &number))
            return false;
        size_t i = 0;
        while (i < UNITS &&
               (strlen(units[i].name) != letters || strncmp(units[i].name, text + digits, letters) != 0))
            i++;
        if (i == UNITS)
            return false;
        total += number * units[i].ms;
        text += digits + letters;
    }
    *ms = total;
    return true;
}

/* Days since 1970-01-01 of a day in the Gregorian calendar, counted in years that begin in March. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t shifted = (month + 9) % 12;
    return y * 365 + y / 4 - y / 100 + y / 400 + (shifted * 306 + 5) / 10 + day - 1 - 719468;
}

static int digits_of(const char *text, int n)
{
    int number = 0;
    for (int i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + text[i] - '0';
    }
    return number;
}

static bool read_day(const char *text, int64_t *ms)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (strlen(text) < 10 || text[4] != '-' || text[7] != '-')
        return false;
    int year = digits_of(text, 4), month = digits_of(text + 5, 2), day = digits_of(text + 8, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    *ms = days_of(year, month, day) * 86400000;
    return day <= days[month - 1] + (month == 2 && leap);
}

static bool read_zone(const char *text, int64_t *ms)
{
    if (strcmp(text, "Z") == 0)
        return true;
    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
        return false;
    int hours = digits_of(text + 1, 2), minutes = digits_of(text + 4, 2);
    int64_t shift = (int64_t)(hours * 60 + minutes) * 60000;
    *ms += text[0] == '-' ? shift : -shift;
    return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

bool filter_read_time(const char *text, int64_t *ms)
{
    int64_t total;
    if (!read_day(text, &total))
        return false;
    if (text[10] == '\0') {
        *ms = total;
        return true;
    }
    if (strlen(text) < 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':')
        return false;
    int hour = digits_of(text + 11, 2), minute = digits_of(text + 14, 2), second = digits_of(text + 17, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    total += ((int64_t)(hour * 60 + minute) * 60 + second) * 1000;
    text += 19;
    if (*text == '.') {
        size_t n = strspn(text + 1, "0123456789");
        for (int i = 0, factor = 100; i < 3; i++, factor /= 10)
            total += (size_t)i < n ? (text[1 + i] - '0') * factor : 0;
        text += 1 + n;
    }
    if (!read_zone(text, &total))
        return false;
    *ms = total;
    return true;
}
