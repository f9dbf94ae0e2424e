/*
 * An edition: the versions of the schemas that a pipeline reads and writes with at one time, and the plans
 * made of them, one for each writer that came along. All workers share it, and it is counted who does: a
 * batch is processed under one edition, which stays as long as anything of the batch borrows from it.
 *
 * Any thread may call any function.
 */
#ifndef WEIR_ENGINE_EDITION_H
#define WEIR_ENGINE_EDITION_H

#include "engine/ports.h"
#include "weir/pipeline.h"

/* Most writers that an edition has plans for. */
#define EDITION_WRITERS_MAX 4096

struct edition;

/* What came of a writer. As valid as the edition. */
struct edition_writer {
    struct weir_schema_key key;
    const struct weir_schema *schema; /* NULL: the registry has none that weir can use */
    struct weir_plan *plan;           /* NULL: it cannot be read, and why says for what reason */
    struct weir_err why;
    uint64_t look; /* for newer versions, that must have been done before anything of it is read */
};

/*
 * Makes an edition of two versions, held once. Compiles the plan without writer, so that versions that do
 * not fit the configuration or each other fail here (WEIR_ERR_CONFIG, INCOMPATIBLE, or NO_MEMORY). The spec
 * and the schemas outlive it.
 */
enum weir_err_code edition_new(const struct weir_pipeline_spec *spec, const struct schemas_version *reader,
                               const struct schemas_version *output, struct edition **out,
                               struct weir_err *err);

/* One more holds it; one less does, and the last one frees it. NULL is fine to be let go. */
struct edition *edition_hold(struct edition *edition);
void edition_release(struct edition *edition);

const struct weir_pipeline_spec *edition_spec(const struct edition *edition);
const struct schemas_version *edition_reader(const struct edition *edition);
const struct schemas_version *edition_output(const struct edition *edition);
/* The plan for everything that is not Avro. */
const struct weir_plan *edition_plain(const struct edition *edition);

/* What came of a writer; NULL when it did not come along yet. */
const struct edition_writer *edition_find(struct edition *edition, const struct weir_schema_key *key);

/*
 * Makes the plan of a writer; one that another thread made meanwhile is as good. A writer that does not fit
 * is entered too, and so is one without schema, for the reason why. look: see struct edition_writer. Fails
 * with WEIR_ERR_NO_MEMORY, or with WEIR_ERR_SCHEMA_PENDING when there are EDITION_WRITERS_MAX.
 */
enum weir_err_code edition_add(struct edition *edition, const struct weir_schema_key *key,
                               const struct weir_schema *schema, const struct weir_err *why, uint64_t look,
                               const struct edition_writer **out, struct weir_err *err);

/* True when it should be replaced by an empty one, before it is full. */
bool edition_crowded(struct edition *edition);

/*
 * Makes the plans of all writers that came along under another edition, so that nobody has to wait for them.
 * Fails with WEIR_ERR_INCOMPATIBLE when one that could be read cannot be read any more: in place of the other
 * edition, this one would reject what passes now. Or with WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code edition_inherit(struct edition *edition, struct edition *from, struct weir_err *err);

#endif
