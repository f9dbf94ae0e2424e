#include "sys/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/bytes.h"

/* Standard error goes into a file while a test logs; what was written is then in captured. */
static char captured[4 * LOG_LINE_MAX];
static FILE *file;
static int terminal;

static void capture(enum weir_log_level level, enum weir_log_format format)
{
    log_setup(level, format);
    file = tmpfile();
    assert_non_null(file);
    terminal = dup(STDERR_FILENO);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
}

static const char *written(void)
{
    assert_true(dup2(terminal, STDERR_FILENO) >= 0);
    (void)close(terminal);
    rewind(file);
    captured[fread(captured, 1, sizeof captured - 1, file)] = '\0';
    (void)fclose(file);
    return captured;
}

/* The line's text behind its time, whose shape is checked on the way. */
static const char *behind_time(const char *line, const char *before)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    assert_memory_equal(line, before, strlen(before));
    line += strlen(before);
    for (size_t i = 0; i < sizeof shape - 1; i++)
        if (shape[i] == 'd')
            assert_in_range(line[i], '0', '9');
        else
            assert_int_equal(line[i], shape[i]);
    return line + sizeof shape - 1;
}

static void test_text(void **state)
{
    (void)state;
    capture(WEIR_LOG_INFO, WEIR_LOG_TEXT);
    log_info("wait_began", "topic %s is missing", "user-login-dlq");
    assert_string_equal(behind_time(written(), "time="),
                        " level=info event=wait_began msg=\"topic user-login-dlq is missing\"\n");
}

static void test_json(void **state)
{
    (void)state;
    capture(WEIR_LOG_INFO, WEIR_LOG_JSON);
    log_error("fatal", "%d records", 3);
    assert_string_equal(behind_time(written(), "{\"time\":\""),
                        "\",\"level\":\"error\",\"event\":\"fatal\",\"message\":\"3 records\"}\n");
}

/* A message can neither end its line nor its quotes: nobody can forge a second entry. */
static void test_escapes(void **state)
{
    (void)state;
    capture(WEIR_LOG_INFO, WEIR_LOG_JSON);
    log_info("e", "%s", "a\"b\\c\nd\te\x1B[1m\x7F wehr\xC3\xBC");
    assert_non_null(
        strstr(written(), "\"message\":\"a\\\"b\\\\c\\nd\\u0009e\\u001b[1m\\u007f wehr\xC3\xBC\"}\n"));
}

/* JSON must be UTF-8, also where a foreign text is not or where a long one is cut inside a character. */
static void test_utf8(void **state)
{
    (void)state;
    char text[2 * LOG_LINE_MAX];
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xBC", 2);
    text[sizeof text - 1] = text[sizeof text - 2] = '\0';
    capture(WEIR_LOG_INFO, WEIR_LOG_JSON);
    log_info("e", "%s", "\xFF ok \xC3");
    log_info("e", "x%s", text);
    const char *lines = written();
    assert_non_null(strstr(lines, "\"message\":\"? ok ?\"}\n"));
    assert_true(weir_utf8_valid(weir_bytes_of(lines), NULL));
}

/* Whose line it is, for as long as the thread has a name; a name cannot end its field. */
static void test_names(void **state)
{
    (void)state;
    capture(WEIR_LOG_INFO, WEIR_LOG_TEXT);
    assert_null(log_name_thread("3"));
    log_info("assigned", "2 partitions");
    assert_string_equal(behind_time(written(), "time="),
                        " level=info event=assigned worker=3 msg=\"2 partitions\"\n");
    capture(WEIR_LOG_INFO, WEIR_LOG_JSON);
    assert_string_equal(log_name_thread("a\"b"), "3");
    log_info("assigned", "2 partitions");
    assert_non_null(strstr(written(), "\"event\":\"assigned\",\"worker\":\"a\\\"b\",\"message\":"));
    capture(WEIR_LOG_INFO, WEIR_LOG_TEXT);
    assert_string_equal(log_name_thread(NULL), "a\"b");
    log_info("assigned", "2 partitions");
    assert_null(strstr(written(), "worker"));
}

static void test_levels(void **state)
{
    (void)state;
    for (int threshold = WEIR_LOG_DEBUG; threshold <= WEIR_LOG_ERROR; threshold++) {
        capture((enum weir_log_level)threshold, WEIR_LOG_TEXT);
        log_debug("e", "0");
        log_info("e", "1");
        log_warn("e", "2");
        log_error("e", "3");
        const char *text = written();
        for (int level = WEIR_LOG_DEBUG; level <= WEIR_LOG_ERROR; level++) {
            char message[] = {'"', (char)('0' + level), '"', '\0'};
            assert_int_equal(strstr(text, message) != NULL, level >= threshold);
            assert_int_equal(log_enabled((enum weir_log_level)level), level >= threshold);
        }
    }
}

static void test_cycle(void **state)
{
    (void)state;
    log_setup(WEIR_LOG_WARN, WEIR_LOG_TEXT);
    log_cycle_level();
    assert_false(log_enabled(WEIR_LOG_WARN));
    assert_true(log_enabled(WEIR_LOG_ERROR));
    log_cycle_level();
    assert_true(log_enabled(WEIR_LOG_DEBUG));
    log_cycle_level();
    assert_false(log_enabled(WEIR_LOG_DEBUG));
    assert_true(log_enabled(WEIR_LOG_INFO));
}

/* Said once a change, at whatever level it is then. */
static void test_level_is_told(void **state)
{
    (void)state;
    capture(WEIR_LOG_WARN, WEIR_LOG_TEXT);
    log_tell_level();
    log_cycle_level();
    log_tell_level();
    log_tell_level();
    assert_string_equal(behind_time(written(), "time="),
                        " level=error event=log_level msg=\"the log level is error now\"\n");
}

/* However long, and however much its escapes swell it, a line stays a line of its format within the limit. */
static void test_long_messages_are_cut(void **state)
{
    (void)state;
    static const char fillers[] = {'a', '"', '\x01', '\n'};
    for (size_t i = 0; i < sizeof fillers; i++) {
        char message[2 * LOG_LINE_MAX];
        memset(message, fillers[i], sizeof message);
        message[sizeof message - 1] = '\0';
        capture(WEIR_LOG_INFO, WEIR_LOG_JSON);
        (void)log_name_thread(message);
        log_info("a_rather_long_name_of_an_event", "%s", message);
        (void)log_name_thread(NULL);
        const char *line = written();
        size_t len = strlen(line);
        assert_true(len > 1000 && len < LOG_LINE_MAX);
        assert_string_equal(line + len - 3, "\"}\n");
        assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_level_is_told),
        cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_long_messages_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
