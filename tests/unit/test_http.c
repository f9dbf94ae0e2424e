#include "registry/http.h"

#include "support/canned.h"
#include "support/core.h"
#include "sys/clock.h"

/* Nobody listens on port 1. */
#define DEAD "http://127.0.0.1:1"

static struct http *open_http(const struct http_options *options)
{
    struct http_options whole = *options;
    struct http *http = NULL;
    struct weir_err err;
    whole.connect_timeout_ms = 1000;
    whole.timeout_ms = whole.timeout_ms ? whole.timeout_ms : 5000;
    whole.seed = 1;
    if (http_new(&whole, &http, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return http;
}

static struct http *open_url(const char *urls)
{
    return open_http(&(struct http_options){.urls = urls});
}

static void expect_answer(struct http *http, const char *path, long status, const char *body)
{
    struct http_answer answer;
    struct weir_err err = {0};
    if (http_get(http, path, &answer, &err) != WEIR_OK)
        fail_msg("%s: %s", path, err.text);
    assert_int_equal(answer.status, status);
    assert_int_equal(answer.body.len, strlen(body));
    assert_memory_equal(answer.body.data, body, answer.body.len);
}

static void expect_down(struct http *http, const char *path, const char *part)
{
    struct http_answer answer;
    struct weir_err err = {0};
    assert_int_equal(http_get(http, path, &answer, &err), WEIR_ERR_REGISTRY_DOWN);
    support_expect_text(path, err.text, part);
}

static void test_an_answer_and_an_error_are_answers(void **state)
{
    struct canned *canned = *state;
    struct http *http = open_url(canned_url(canned));
    canned_set(canned, "/schemas/ids/1", 200, "{}");
    canned_set(canned, "/schemas/ids/2", 404, CANNED_NO_SCHEMA);
    canned_set(canned, "/schemas/ids/3", 401, CANNED_DENIED);
    expect_answer(http, "/schemas/ids/1", 200, "{}");
    expect_answer(http, "/schemas/ids/2", 404, CANNED_NO_SCHEMA);
    expect_answer(http, "/schemas/ids/3", 401, CANNED_DENIED);
    assert_int_equal(canned_hits(canned, "/schemas/ids/3"), 1);
    assert_null(strstr(canned_request(canned), "Authorization"));
    http_free(http);
}

/* Apicurio's API lies below a path, and answers 404 to a double slash. */
static void test_a_path_in_front(void **state)
{
    struct canned *canned = *state;
    char url[128];
    canned_set(canned, "/apis/ccompat/v7/subjects/a%2Fb%20c", 200, "x");
    (void)snprintf(url, sizeof url, "%s/apis/ccompat/v7//", canned_url(canned));
    struct http *http = open_url(url);
    char path[64] = "/subjects/";
    assert_true(http_append(path, sizeof path, "a/b c"));
    expect_answer(http, path, 200, "x");
    http_free(http);
}

static void test_words_are_escaped_and_bounded(void **state)
{
    (void)state;
    char path[24] = "/";
    assert_true(http_append(path, sizeof path, ":.ctx:\xC3\xA9-_~"));
    assert_string_equal(path, "/%3A.ctx%3A%C3%A9-_~");
    assert_true(http_append(path, sizeof path, "a"));
    assert_false(http_append(path, sizeof path, "bc"));
}

static void test_credentials(void **state)
{
    struct canned *canned = *state;
    canned_set(canned, "/a", 200, "x");
    struct http *http = open_http(
        &(struct http_options){.urls = canned_url(canned), .username = "weir", .password = "s:cret"});
    expect_answer(http, "/a", 200, "x");
    support_expect_text("basic", canned_request(canned), "Authorization: Basic d2VpcjpzOmNyZXQ=\r\n");
    http_free(http);
    http = open_http(&(struct http_options){.urls = canned_url(canned), .token = "t0ken"});
    expect_answer(http, "/a", 200, "x");
    support_expect_text("bearer", canned_request(canned), "Authorization: Bearer t0ken\r\n");
    http_free(http);
}

/* The one that answered is asked first from then on. */
static void test_the_next_server_is_asked(void **state)
{
    struct canned *canned = *state;
    struct canned *broken = canned_start();
    char urls[256];
    canned_set(broken, "/a", 503, CANNED_ERROR);
    canned_set(canned, "/a", 200, "x");
    (void)snprintf(urls, sizeof urls, DEAD ", %s/,%s", canned_url(broken), canned_url(canned));
    struct http *http = open_url(urls);
    expect_answer(http, "/a", 200, "x");
    assert_int_equal(canned_hits(broken, "/a"), 1);
    expect_answer(http, "/a", 200, "x");
    assert_int_equal(canned_hits(broken, "/a"), 1);
    assert_int_equal(canned_hits(canned, "/a"), 2);
    http_free(http);
    canned_stop(broken);
}

static void test_what_may_pass_is_tried_again(void **state)
{
    static const int statuses[] = {408, 429, 500, 502, 503, CANNED_CLOSE};
    struct canned *canned = *state;
    struct http *http = open_url(canned_url(canned));
    for (size_t i = 0; i < COUNT(statuses); i++) {
        char path[16];
        (void)snprintf(path, sizeof path, "/%d", statuses[i]);
        canned_set(canned, path, statuses[i], CANNED_ERROR);
        expect_down(http, path, canned_url(canned));
        assert_int_equal(canned_hits(canned, path), HTTP_TRIES);
    }
    http_free(http);
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct http *http = open_url(DEAD);
    int64_t begun = clock_monotonic_ms();
    expect_down(http, "/a", DEAD);
    assert_true(clock_monotonic_ms() - begun < 3000);
    http_free(http);
}

static void test_no_answer_takes_its_time_out(void **state)
{
    struct canned *canned = *state;
    struct http *http = open_http(&(struct http_options){.urls = canned_url(canned), .timeout_ms = 200});
    canned_set(canned, "/a", CANNED_NEVER, "");
    int64_t begun = clock_monotonic_ms();
    expect_down(http, "/a", canned_url(canned));
    int64_t took = clock_monotonic_ms() - begun;
    assert_true(took >= 600 && took < 5000);
    http_free(http);
}

/* Stopping must not wait for a registry. */
static void test_a_request_is_given_up(void **state)
{
    struct canned *canned = *state;
    atomic_int stop = 1;
    struct http *http =
        open_http(&(struct http_options){.urls = canned_url(canned), .timeout_ms = 60000, .stop = &stop});
    canned_set(canned, "/a", CANNED_NEVER, "");
    int64_t begun = clock_monotonic_ms();
    expect_down(http, "/a", "");
    assert_true(clock_monotonic_ms() - begun < 3000);
    http_free(http);
}

static void test_redirects_are_not_followed(void **state)
{
    struct canned *canned = *state;
    struct canned *other = canned_start();
    char header[128];
    (void)snprintf(header, sizeof header, "Location: %s/b\r\n", canned_url(other));
    canned_set_with(canned, "/a", 302, header, "");
    canned_set(other, "/b", 200, "x");
    struct http *http = open_url(canned_url(canned));
    expect_down(http, "/a", "redirects are not followed");
    assert_int_equal(canned_hits(other, "/b"), 0);
    http_free(http);
    canned_stop(other);
}

static void test_an_endless_answer_is_cut(void **state)
{
    struct canned *canned = *state;
    struct http *http = open_url(canned_url(canned));
    char *body = malloc(HTTP_BODY_MAX + 2);
    memset(body, 'x', HTTP_BODY_MAX + 1);
    body[HTTP_BODY_MAX + 1] = '\0';
    canned_set(canned, "/a", 200, body);
    expect_down(http, "/a", "more than");
    body[HTTP_BODY_MAX] = '\0';
    canned_set(canned, "/a", 200, body);
    expect_answer(http, "/a", 200, body);
    free(body);
    http_free(http);
}

static void test_what_cannot_be_opened(void **state)
{
    (void)state;
    char urls[HTTP_URLS_MAX * 16] = "";
    struct http *http = NULL;
    struct weir_err err;
    for (int i = 0; i <= HTTP_URLS_MAX; i++)
        (void)strcat(urls, "http://h,");
    assert_int_equal(http_new(&(struct http_options){.urls = urls}, &http, &err), WEIR_ERR_CONFIG);
    assert_int_equal(http_new(&(struct http_options){.urls = " ,"}, &http, &err), WEIR_ERR_CONFIG);
    assert_null(http);
    http_free(NULL);
}

/* A question that carries something leaves no trace in the one after it. */
static void test_a_body_is_sent(void **state)
{
    struct canned *canned = *state;
    struct http *http = open_url(canned_url(canned));
    struct http_answer answer;
    struct weir_err err = {0};
    canned_set(canned, "POST /subjects/in", 200, "{\"id\":1}");
    canned_set(canned, "/schemas/ids/1", 200, "{}");
    assert_int_equal(http_post(http, "/subjects/in", "{\"schema\":\"x\"}", &answer, &err), WEIR_OK);
    assert_int_equal(answer.status, 200);
    support_expect_text("body", canned_request(canned), "\r\n\r\n{\"schema\":\"x\"}");
    support_expect_text("type", canned_request(canned), "application/vnd.schemaregistry.v1+json");
    expect_answer(http, "/schemas/ids/1", 200, "{}");
    assert_null(strstr(canned_request(canned), "Content-Type"));
    assert_int_equal(canned_hits(canned, "POST /subjects/in"), 1);
    http_free(http);
}

static int set_up(void **state)
{
    *state = canned_start();
    return 0;
}

static int tear_down(void **state)
{
    canned_stop(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_body_is_sent),
        TEST(test_an_answer_and_an_error_are_answers),
        TEST(test_a_path_in_front),
        cmocka_unit_test(test_words_are_escaped_and_bounded),
        TEST(test_credentials),
        TEST(test_the_next_server_is_asked),
        TEST(test_what_may_pass_is_tried_again),
        cmocka_unit_test(test_nobody_there),
        TEST(test_no_answer_takes_its_time_out),
        TEST(test_a_request_is_given_up),
        TEST(test_redirects_are_not_followed),
        TEST(test_an_endless_answer_is_cut),
        cmocka_unit_test(test_what_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
