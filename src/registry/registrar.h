/*
 * What is asked of a Schema Registry before and when a schema is registered: is it there, would it be taken,
 * take it. Each waits for its answer, and does no more when it is asked again.
 */
#ifndef WEIR_REGISTRY_REGISTRAR_H
#define WEIR_REGISTRY_REGISTRAR_H

#include "registry/answer.h"
#include "registry/client.h"

/* What a registry makes of a schema; why is one line, in its words, and may be empty. */
struct registrar_opinion {
    bool compatible;
    char why[ANSWER_TEXT_MAX];
};

/*
 * All of these fail with WEIR_ERR_REGISTRY_DOWN when nothing of use is answered (credentials and a wrong URL
 * included), WEIR_ERR_CONFIG (a subject's name that is too long) or WEIR_ERR_NO_MEMORY.
 */

/* Does it answer at all? GET /subjects. */
enum weir_err_code registrar_reach(struct client *client, struct weir_err *err);

/*
 * POST /subjects/{subject}: where this very schema stands in the subject. WEIR_ERR_NOT_FOUND when it does
 * not, when there is no such subject, or when the registry calls the schema invalid.
 */
enum weir_err_code registrar_find(struct client *client, const char *subject,
                                  const struct weir_schema *schema, struct answer_place *out,
                                  struct weir_err *err);

/*
 * POST /compatibility/subjects/{subject}/versions: would the subject take it, under its own level? A subject
 * that is not there takes anything. A schema that the registry calls invalid is not compatible.
 */
enum weir_err_code registrar_judge(struct client *client, const char *subject,
                                   const struct weir_schema *schema, struct registrar_opinion *out,
                                   struct weir_err *err);

/*
 * Why the subject's latest version and a schema do not get on, as weir itself resolves them: "version 3
 * cannot be read: timestamp: writer has string, reader has long". Since a registry need not say. level is the
 * subject's; "" when weir finds nothing, or cannot ask.
 */
void registrar_explain(struct client *client, const char *subject, const struct weir_schema *schema,
                       const char *level, char why[ANSWER_TEXT_MAX]);

/* GET /config/{subject}: its compatibility level, or the registry's where it has none of its own. */
enum weir_err_code registrar_level(struct client *client, const char *subject, char level[ANSWER_TEXT_MAX],
                                   struct weir_err *err);

/*
 * POST /subjects/{subject}/versions. WEIR_ERR_INCOMPATIBLE: the registry refuses it; err->text has its
 * reason. out->version is 0 where the registry does not say, as older ones do not.
 */
enum weir_err_code registrar_register(struct client *client, const char *subject,
                                      const struct weir_schema *schema, struct answer_place *out,
                                      struct weir_err *err);

#endif
