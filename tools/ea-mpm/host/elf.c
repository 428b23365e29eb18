#include "host/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>

#define MAX_FILE (1u << 30)
#define MAX_PRELINKED 512

struct em_elf_t {
    apr_pool_t *pool;
    char *data;
    apr_size_t len;
    Elf *elf;
    int wide;                   /* 64-bit */
    Elf_Scn *dynsym;
    GElf_Shdr dynsym_hdr;
    apr_hash_t *relocations;    /* address -> reloc_t *, made on first use */
};

/* What the dynamic linker would put at an address. */
typedef struct reloc_t {
    GElf_Addr at;
    GElf_Addr value;            /* symbol's value plus addend */
} reloc_t;

typedef struct mapping_t {
    void *data;
    apr_size_t len;
    Elf *elf;
} mapping_t;

static apr_status_t unmap(void *data)
{
    mapping_t *map = data;

    if (map->elf) {
        elf_end(map->elf);
    }
    if (map->data) {
        munmap(map->data, map->len);
    }
    return APR_SUCCESS;
}

static void find_dynsym(em_elf_t *elf)
{
    Elf_Scn *scn = NULL;

    while ((scn = elf_nextscn(elf->elf, scn))) {
        if (gelf_getshdr(scn, &elf->dynsym_hdr)
            && elf->dynsym_hdr.sh_type == SHT_DYNSYM) {
            elf->dynsym = scn;
            return;
        }
    }
}

/* Take over a mapping that will be undone with P. */
static apr_status_t over(em_elf_t **pelf, char *data, apr_size_t len,
                         mapping_t *map, apr_pool_t *p)
{
    em_elf_t *elf = apr_pcalloc(p, sizeof(*elf));

    if (len < EI_NIDENT || memcmp(data, ELFMAG, SELFMAG) != 0
        || elf_version(EV_CURRENT) == EV_NONE) {
        return APR_EBADF;
    }
    elf->pool = p;
    elf->data = data;
    elf->len = len;
    elf->elf = map->elf = elf_memory(data, len);
    if (!elf->elf || elf_kind(elf->elf) != ELF_K_ELF) {
        return APR_EBADF;
    }
    elf->wide = gelf_getclass(elf->elf) == ELFCLASS64;
    find_dynsym(elf);
    *pelf = elf;
    return APR_SUCCESS;
}

apr_status_t em_elf_over(em_elf_t **pelf, char *data, apr_size_t len,
                         apr_pool_t *p)
{
    mapping_t *map = apr_pcalloc(p, sizeof(*map));

    apr_pool_cleanup_register(p, map, unmap, apr_pool_cleanup_null);
    return over(pelf, data, len, map, p);
}

apr_status_t em_elf_open(em_elf_t **pelf, const char *path, apr_pool_t *p)
{
    mapping_t *map = apr_pcalloc(p, sizeof(*map));
    apr_status_t rv = APR_SUCCESS;
    struct stat st;
    void *data;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    if (fstat(fd, &st) != 0) {
        rv = APR_FROM_OS_ERROR(errno);
        goto leave;
    }
    if (!S_ISREG(st.st_mode) || st.st_size < EI_NIDENT
        || st.st_size > MAX_FILE) {
        rv = APR_EBADF;
        goto leave;
    }
    data = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        rv = APR_FROM_OS_ERROR(errno);
        goto leave;
    }
    map->data = data;
    map->len = (apr_size_t)st.st_size;
    apr_pool_cleanup_register(p, map, unmap, apr_pool_cleanup_null);
    rv = over(pelf, data, map->len, map, p);
leave:
    close(fd);
    return rv;
}

apr_status_t em_elf_in(em_elf_t **pelf, const em_view_t *view,
                       const char *path, apr_pool_t *p)
{
    const char *real;
    em_node_t *node;
    apr_status_t rv = em_view_real(&real, view, path, p);

    if (rv == APR_SUCCESS) {
        rv = em_view_lstat(&node, view, real, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (node->kind == EM_NODE_FILE && node->data) {     /* of an overlay */
        return em_elf_over(pelf, apr_pmemdup(p, node->data, node->len),
                           node->len, p);
    }
    return em_elf_open(pelf, em_view_outside(view, real, p), p);
}

/* The I-th dynamic symbol with its name, or NULL. */
static const char *symbol_at(const em_elf_t *elf, Elf_Data *data, int i,
                             GElf_Sym *psym)
{
    if (!gelf_getsym(data, i, psym)) {
        return NULL;
    }
    return elf_strptr(elf->elf, elf->dynsym_hdr.sh_link, psym->st_name);
}

static int find_symbol(const em_elf_t *elf, const char *name, GElf_Sym *psym)
{
    Elf_Data *data = elf->dynsym ? elf_getdata(elf->dynsym, NULL) : NULL;
    const char *s;
    int i;

    for (i = 1; data && (s = symbol_at(elf, data, i, psym)); i++) {
        if (psym->st_shndx != SHN_UNDEF && strcmp(s, name) == 0) {
            return 1;
        }
    }
    return 0;
}

int em_elf_exports(const em_elf_t *elf, const char *symbol)
{
    GElf_Sym sym;

    return find_symbol(elf, symbol, &sym);
}

/* Where the bytes of a virtual address are in the file, with at least NEED
 * bytes behind it; NULL if nowhere (.bss too). */
static const char *at_address(const em_elf_t *elf, GElf_Addr addr,
                              apr_size_t need, apr_size_t *pleft)
{
    GElf_Phdr ph;
    size_t n, i;

    if (elf_getphdrnum(elf->elf, &n) != 0) {
        return NULL;
    }
    for (i = 0; i < n; i++) {
        apr_uint64_t skip, left;

        if (!gelf_getphdr(elf->elf, (int)i, &ph) || ph.p_type != PT_LOAD
            || addr < ph.p_vaddr || addr - ph.p_vaddr >= ph.p_filesz) {
            continue;
        }
        skip = addr - ph.p_vaddr;
        left = ph.p_filesz - skip;
        if (ph.p_offset > elf->len || skip > elf->len - ph.p_offset) {
            return NULL;
        }
        if (left > elf->len - ph.p_offset - skip) {
            left = elf->len - ph.p_offset - skip;
        }
        if (left < need) {
            return NULL;
        }
        *pleft = (apr_size_t)left;
        return elf->data + ph.p_offset + skip;
    }
    return NULL;
}

/* An integer of BYTES bytes in the file's byte order. */
static apr_uint64_t number(const em_elf_t *elf, const char *data, int bytes)
{
    int big = (unsigned char)elf->data[EI_DATA] == ELFDATA2MSB;
    apr_uint64_t n = 0;
    int i;

    for (i = 0; i < bytes; i++) {
        n = n << 8 | (unsigned char)data[big ? i : bytes - 1 - i];
    }
    return n;
}

static void add_relocation(em_elf_t *elf, GElf_Addr at, GElf_Xword sym_index,
                           GElf_Sxword addend)
{
    reloc_t *r = apr_palloc(elf->pool, sizeof(*r));
    Elf_Data *data = elf->dynsym ? elf_getdata(elf->dynsym, NULL) : NULL;
    GElf_Sym sym;

    r->at = at;
    r->value = (GElf_Addr)addend;
    if (sym_index && data && gelf_getsym(data, (int)sym_index, &sym)) {
        r->value += sym.st_value;
    }
    apr_hash_set(elf->relocations, &r->at, sizeof(r->at), r);
}

/* The addend of a REL relocation stands at the place itself. */
static GElf_Sxword place_content(em_elf_t *elf, GElf_Addr at)
{
    apr_size_t left;
    int bytes = elf->wide ? 8 : 4;
    const char *data = at_address(elf, at, (apr_size_t)bytes, &left);

    return data ? (GElf_Sxword)number(elf, data, bytes) : 0;
}

static void read_relocations(em_elf_t *elf, Elf_Scn *scn, int with_addend)
{
    Elf_Data *data = elf_getdata(scn, NULL);
    GElf_Rela rela;
    GElf_Rel rel;
    int i;

    for (i = 0; data && with_addend && gelf_getrela(data, i, &rela); i++) {
        add_relocation(elf, rela.r_offset, GELF_R_SYM(rela.r_info),
                       rela.r_addend);
    }
    for (i = 0; data && !with_addend && gelf_getrel(data, i, &rel); i++) {
        add_relocation(elf, rel.r_offset, GELF_R_SYM(rel.r_info),
                       place_content(elf, rel.r_offset));
    }
}

static void find_relocations(em_elf_t *elf)
{
    Elf_Scn *scn = NULL;
    GElf_Shdr hdr;

    elf->relocations = apr_hash_make(elf->pool);
    while ((scn = elf_nextscn(elf->elf, scn))) {
        if (gelf_getshdr(scn, &hdr)
            && (hdr.sh_type == SHT_RELA || hdr.sh_type == SHT_REL)) {
            read_relocations(elf, scn, hdr.sh_type == SHT_RELA);
        }
    }
}

/* The pointer that stands at an address once the file is loaded: by its
 * relocation, else (packed relocations, fixed addresses) what is there. */
static GElf_Addr pointer_at(const em_elf_t *celf, GElf_Addr at)
{
    em_elf_t *elf = (em_elf_t *)celf;   /* the table is made when needed */
    const reloc_t *r;

    if (!elf->relocations) {
        find_relocations(elf);
    }
    r = apr_hash_get(elf->relocations, &at, sizeof(at));
    return r ? r->value : (GElf_Addr)place_content(elf, at);
}

/* A short printable string at an address, or NULL. */
static const char *string_at(const em_elf_t *elf, GElf_Addr at)
{
    apr_size_t left, i;
    const char *s = at ? at_address(elf, at, 1, &left) : NULL;

    for (i = 0; s && i < left && i < 256; i++) {
        if (s[i] == '\0') {
            return i ? s : NULL;
        }
        if (s[i] < ' ' || s[i] > '~') {
            return NULL;
        }
    }
    return NULL;
}

static apr_size_t name_offset(const em_elf_t *elf)
{
    return elf->wide ? 16 : 12;
}

/* The bytes of the module record at an address (httpd's module_struct: two
 * version ints, the index, the name, two pointers, the cookie "AP24"). */
static const char *record_at(const em_elf_t *elf, GElf_Addr at)
{
    apr_size_t left;
    int ptr = elf->wide ? 8 : 4;
    apr_size_t cookie = name_offset(elf) + 3 * (apr_size_t)ptr;
    const char *data = at_address(elf, at, cookie + (apr_size_t)ptr, &left);

    if (!data || number(elf, data + cookie, ptr) >> 16 != 0x4150) {   /* AP */
        return NULL;
    }
    return data;
}

/* The source name in a module record, as httpd shortens it (ap_add_module:
 * what stands behind the last slash). */
static const char *record_name(const em_elf_t *elf, GElf_Addr at)
{
    const char *name, *slash;

    if (!record_at(elf, at)) {
        return NULL;
    }
    name = string_at(elf, pointer_at(elf, at + name_offset(elf)));
    slash = name ? strrchr(name, '/') : NULL;
    return slash ? slash + 1 : name;
}

const char *em_elf_source(const em_elf_t *elf, const char *id)
{
    GElf_Sym sym;

    return find_symbol(elf, id, &sym) ? record_name(elf, sym.st_value) : NULL;
}

const char *em_elf_mmn(const em_elf_t *elf, const char *id, apr_pool_t *p)
{
    GElf_Sym sym;
    const char *record = find_symbol(elf, id, &sym)
        ? record_at(elf, sym.st_value) : NULL;

    return record ? apr_psprintf(p, "%d:%d", (int)number(elf, record, 4),
                                 (int)number(elf, record + 4, 4)) : NULL;
}

/* Exported "..._module" symbols by address. */
static apr_hash_t *module_symbols(const em_elf_t *elf, apr_pool_t *p)
{
    Elf_Data *data = elf->dynsym ? elf_getdata(elf->dynsym, NULL) : NULL;
    apr_hash_t *symbols = apr_hash_make(p);
    GElf_Sym sym;
    const char *s;
    int i;

    for (i = 1; data && (s = symbol_at(elf, data, i, &sym)); i++) {
        apr_size_t len = strlen(s);

        if (sym.st_shndx != SHN_UNDEF && len > 7
            && strcmp(s + len - 7, "_module") == 0) {
            apr_hash_set(symbols,
                         apr_pmemdup(p, &sym.st_value, sizeof(sym.st_value)),
                         sizeof(sym.st_value), apr_pstrdup(p, s));
        }
    }
    return symbols;
}

apr_array_header_t *em_elf_prelinked(const em_elf_t *elf, apr_pool_t *p)
{
    apr_array_header_t *modules;
    GElf_Addr ptr = elf->wide ? 8 : 4;
    apr_hash_t *symbols;
    GElf_Sym list;
    int i;

    if (!find_symbol(elf, "ap_prelinked_modules", &list)) {
        return NULL;
    }
    symbols = module_symbols(elf, p);
    modules = apr_array_make(p, 16, sizeof(em_elf_module_t));
    for (i = 0; i < MAX_PRELINKED; i++) {
        GElf_Addr record = pointer_at(elf, list.st_value + (GElf_Addr)i * ptr);
        em_elf_module_t *module;

        if (!record) {
            return modules;
        }
        module = apr_array_push(modules);
        module->id = apr_hash_get(symbols, &record, sizeof(record));
        module->source = record_name(elf, record);
        if (!module->source) {
            return NULL;
        }
        module->source = apr_pstrdup(p, module->source);
    }
    return NULL;
}

/* The first PREFIX at or after file offset FROM inside one section. */
static const char *find_in(const em_elf_t *elf, const GElf_Shdr *hdr,
                           apr_size_t from, const char *prefix)
{
    apr_size_t begin = hdr->sh_offset, end;

    if (hdr->sh_offset > elf->len || hdr->sh_size > elf->len - begin) {
        return NULL;
    }
    end = begin + hdr->sh_size;
    begin = from > begin ? from : begin;
    return begin < end ? memmem(elf->data + begin, end - begin, prefix,
                                strlen(prefix)) : NULL;
}

const char *em_elf_literal(const em_elf_t *elf, const char *prefix,
                           apr_size_t *pfrom, apr_pool_t *p)
{
    const char *end = elf->data + elf->len, *found = NULL, *s;
    Elf_Scn *scn = NULL;
    GElf_Shdr hdr;

    while (!found && (scn = elf_nextscn(elf->elf, scn))) {
        if (gelf_getshdr(scn, &hdr) && hdr.sh_type == SHT_PROGBITS
            && (hdr.sh_flags & SHF_ALLOC) && !(hdr.sh_flags & SHF_EXECINSTR)
            && !(hdr.sh_flags & SHF_WRITE)) {
            found = find_in(elf, &hdr, pfrom ? *pfrom : 0, prefix);
        }
    }
    if (!found) {
        return NULL;
    }
    found += strlen(prefix);
    for (s = found; s < end && *s && *s != '"' && *s != '\n'; s++) {
        ;
    }
    if (pfrom) {
        *pfrom = (apr_size_t)(s - elf->data);
    }
    return apr_pstrmemdup(p, found, (apr_size_t)(s - found));
}
