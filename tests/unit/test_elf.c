/* Modules and binaries tell what they are, whatever the machine they were
 * built for; damaged ones tell nothing. */

#include "unit.h"

#include <unistd.h>

#include "host/elf.h"

/* A module record as httpd's headers lay it out, without needing them. */
static const char source[] =
    "struct m { int v, minor, idx; const char *name; void *h, *n;\n"
    "           unsigned long magic; };\n"
    "struct m mpm_event_module = { 20120211, 142, -1,\n"
    "    \"server/mpm/event/event.c\", 0, 0, 0x41503234UL };\n"
    "struct m liar_module = { 1, 2, -1, \"liar.c\", 0, 0, 7 };\n"
    "struct m *ap_prelinked_modules[] = { &mpm_event_module, 0 };\n"
    "const char text[] = \"Apache/2.4.71 (Test)\\0 -D HTTPD_ROOT=\\\"/r\\\"\";\n"
    "extern int somewhere_else; int *use(void) { return &somewhere_else; }\n";

/* Compile it with FLAGS into a shared object; NULL: this compiler cannot. */
static const char *built(const char *flags)
{
    static int n;
    const char *stem = apr_psprintf(pool, "/tmp/em-elf-%d-%d", (int)getpid(),
                                    n++);
    const char *so = apr_pstrcat(pool, stem, ".so", NULL);
    FILE *f = fopen(apr_pstrcat(pool, stem, ".c", NULL), "w");
    int rc;

    assert_non_null(f);
    fputs(source, f);
    fclose(f);
    rc = system(apr_psprintf(pool, "%s -shared -fPIC -nostdlib "
                             "-ffreestanding -o %s %s.c 2>/dev/null", flags,
                             so, stem));
    unlink(apr_pstrcat(pool, stem, ".c", NULL));
    return rc == 0 ? so : NULL;
}

static void check(const char *so)
{
    apr_array_header_t *list;
    em_elf_t *elf;

    assert_int_equal(em_elf_open(&elf, so, pool), APR_SUCCESS);
    assert_true(em_elf_exports(elf, "mpm_event_module"));
    assert_false(em_elf_exports(elf, "mpm_worker_module"));
    assert_false(em_elf_exports(elf, "somewhere_else"));    /* undefined */
    assert_string_equal(em_elf_source(elf, "mpm_event_module"), "event.c");
    assert_string_equal(em_elf_mmn(elf, "mpm_event_module", pool),
                        "20120211:142");
    assert_null(em_elf_source(elf, "liar_module"));         /* no cookie */
    list = em_elf_prelinked(elf, pool);
    assert_non_null(list);
    assert_int_equal(list->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(list, 0, em_elf_module_t).id,
                        "mpm_event_module");
    assert_string_equal(em_elf_literal(elf, "Apache/", NULL, pool),
                        "2.4.71 (Test)");
    assert_string_equal(em_elf_literal(elf, " -D HTTPD_ROOT=\"", NULL, pool),
                        "/r");
    assert_null(em_elf_literal(elf, "nothing like this", NULL, pool));
    unlink(so);
}

static void reads_its_own_machine(void **state)
{
    const char *so = built("cc");

    (void)state;
    assert_non_null(so);
    check(so);
}

/* The linker's packed relocations leave the addend at the place. */
static void reads_packed_relocations(void **state)
{
    const char *so = built("cc -Wl,-z,pack-relative-relocs");

    (void)state;
    if (!so) {
        skip();
    }
    check(so);
}

static void reads_32_bit(void **state)
{
    const char *so = built("cc -m32");

    (void)state;
    if (!so) {
        skip();
    }
    check(so);
}

/* 64-bit big endian (IBM Z), where a cross compiler and linker are there. */
static void reads_big_endian(void **state)
{
    const char *so = built("s390x-linux-gnu-gcc");

    (void)state;
    if (!so) {
        so = built("clang --target=s390x-linux-gnu -fuse-ld=lld");
    }
    if (!so) {
        skip();
    }
    check(so);
}

static void refuses_what_is_no_elf(void **state)
{
    em_elf_t *elf;
    char text[64] = "#!/bin/sh\nexec httpd\n";

    (void)state;
    assert_int_equal(em_elf_open(&elf, "/etc/passwd", pool), APR_EBADF);
    assert_int_equal(em_elf_open(&elf, "/dev/null", pool), APR_EBADF);
    assert_true(APR_STATUS_IS_ENOENT(em_elf_open(&elf, "/nonexistent",
                                                 pool)));
    assert_int_equal(em_elf_over(&elf, text, sizeof(text), pool), APR_EBADF);
}

/* Every truncation and a few thousand flipped bytes: no crash. */
static void survives_damage(void **state)
{
    const char *so = built("cc");
    apr_pool_t *scratch;
    long size;
    char *whole, *part;
    FILE *f;

    (void)state;
    assert_non_null(so);
    f = fopen(so, "r");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    whole = apr_palloc(pool, (apr_size_t)size);
    assert_int_equal(fread(whole, 1, (size_t)size, f), size);
    fclose(f);
    unlink(so);
    for (long i = 0; i < 4000; i++) {
        long len = i % 2 ? size : size * i / 4000;
        em_elf_t *elf;

        apr_pool_create(&scratch, pool);
        part = malloc((size_t)len + 1);
        memcpy(part, whole, (size_t)len);
        if (len && i % 2) {
            part[(i * 7919) % (i % 3 ? 1024 : len)] ^= (char)(1 << (i % 8));
            part[(i * 104729) % len] = (char)0xff;
        }
        if (em_elf_over(&elf, part, (apr_size_t)len, scratch)
            == APR_SUCCESS) {
            (void)em_elf_source(elf, "mpm_event_module");
            (void)em_elf_prelinked(elf, scratch);
            (void)em_elf_literal(elf, "Apache/", NULL, scratch);
        }
        apr_pool_destroy(scratch);
        free(part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_its_own_machine),
        cmocka_unit_test(reads_packed_relocations),
        cmocka_unit_test(reads_32_bit),
        cmocka_unit_test(reads_big_endian),
        cmocka_unit_test(refuses_what_is_no_elf),
        cmocka_unit_test(survives_damage),
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
