/* The stacks of idle workers: one process, then many that are killed. */

#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "itk_area.h"

#define IDENTS  3
#define CPUS    3
#define SLOTS   16
#define SEATS   8
#define VHOSTS  2

static itk_area_t area;

static int set_up(void **state)
{
    (void)state;
    return itk_area_create(&area, IDENTS, CPUS, SLOTS, SEATS, VHOSTS);
}

static int tear_down(void **state)
{
    (void)state;
    itk_area_destroy(&area);
    return 0;
}

/* As the broker does: SLOT gets a tenant who belongs to OWNER. */
static uint32_t move_in(uint32_t slot, uint32_t ident, uint32_t owner)
{
    uint64_t word = atomic_load(&area.slots[slot].word);
    uint32_t serial = itk_word_serial(word) + 1;

    assert_int_equal(itk_word_state(word), ITK_SLOT_FREE);
    atomic_store(&area.slots[slot].ident, ident);
    atomic_store(&area.slots[slot].word,
                 itk_word(serial, ITK_SLOT_BUSY, owner));
    return serial;
}

static itk_slot_state_t state_of(uint32_t slot)
{
    return itk_word_state(atomic_load(&area.slots[slot].word));
}

static void the_last_one_back_is_the_first_out(void **state)
{
    uint32_t serial[SLOTS], slot, got, i;

    (void)state;
    for (i = 0; i < SLOTS; i++) {
        serial[i] = move_in(i, 1, 5);
        assert_int_equal(itk_area_push(&area, i, serial[i], 5, 1), 1);
    }
    for (i = SLOTS; i-- > 0;) {
        assert_int_equal(itk_area_pop(&area, 1, 1, 2, &slot, &got), 1);
        assert_int_equal(slot, i);
        assert_int_equal(got, serial[i]);
    }
    assert_int_equal(itk_area_pop(&area, 1, 1, 2, &slot, &got), 0);
}

static void workers_of_the_own_processor_come_first(void **state)
{
    static const uint32_t on[] = {0, 1, 2, 1, 0xffffffffu};
    uint32_t slot, got, i;

    (void)state;
    for (i = 0; i < 5; i++) {
        assert_int_equal(itk_area_push(&area, i, move_in(i, 1, 5), 5, on[i]),
                         1);
    }
    assert_int_equal(itk_area_pop(&area, 1, 1, 2, &slot, &got), 1);
    assert_int_equal(slot, 3);
    assert_int_equal(itk_area_pop(&area, 1, 1 + CPUS, 2, &slot, &got), 1);
    assert_int_equal(slot, 1);
    assert_int_equal(itk_area_pop(&area, 1, 1, 2, &slot, &got), 1);
    assert_int_equal(slot, 2);
    for (i = 0; i < 2; i++) {
        assert_int_equal(itk_area_pop(&area, 1, 0xffffffffu, 2, &slot, &got),
                         1);
        assert_true(slot == 0 || slot == 4);
    }
    assert_int_equal(itk_area_pop(&area, 1, 0, 2, &slot, &got), 0);
}

static void identities_do_not_mix(void **state)
{
    uint32_t slot, serial;

    (void)state;
    serial = move_in(4, 2, 0);
    assert_int_equal(itk_area_push(&area, 4, serial, 0, 1), 1);
    assert_int_equal(itk_area_pop(&area, 0, 1, 0, &slot, &serial), 0);
    assert_int_equal(itk_area_pop(&area, 1, 1, 0, &slot, &serial), 0);
    assert_int_equal(itk_area_pop(&area, 2, 1, 0, &slot, &serial), 1);
}

static void only_its_owner_gives_a_worker_back_and_once(void **state)
{
    uint32_t serial = move_in(3, 1, 5);

    (void)state;
    assert_int_equal(itk_area_push(&area, 3, serial, 6, 1), 0);
    assert_int_equal(itk_area_push(&area, 3, serial + 1, 5, 1), 0);
    assert_int_equal(itk_area_push(&area, 3, serial, 5, 1), 1);
    assert_int_equal(itk_area_push(&area, 3, serial, 5, 1), 0);
}

static void a_reaped_worker_is_passed_over(void **state)
{
    uint32_t a = move_in(0, 1, 5), b = move_in(1, 1, 5), slot, serial;

    (void)state;
    itk_area_push(&area, 0, a, 5, 1);
    itk_area_push(&area, 1, b, 5, 1);
    assert_int_equal(itk_area_swap(&area, 1, itk_word(b, ITK_SLOT_IDLE, 0),
                                   itk_word(b, ITK_SLOT_REAPED, 0)), 1);
    assert_int_equal(itk_area_pop(&area, 1, 1, 2, &slot, &serial), 1);
    assert_int_equal(slot, 0);
    assert_int_equal(state_of(1), ITK_SLOT_FREE);
}

static void a_sweep_frees_the_reaped_and_keeps_the_order(void **state)
{
    uint32_t serial[4], seen[SLOTS] = {0}, slot, got, i;

    (void)state;
    for (i = 0; i < 4; i++) {
        serial[i] = move_in(i, 1, 5);
        itk_area_push(&area, i, serial[i], 5, 1);
    }
    for (i = 0; i < 4; i += 2) {
        itk_area_swap(&area, i, itk_word(serial[i], ITK_SLOT_IDLE, 0),
                      itk_word(serial[i], ITK_SLOT_REAPED, 0));
    }
    itk_area_sweep(&area, 1, seen, 9);
    assert_int_equal(state_of(0), ITK_SLOT_FREE);
    assert_int_equal(state_of(2), ITK_SLOT_FREE);
    assert_int_equal(seen[3], 9);
    assert_int_equal(seen[7], 0);
    assert_int_equal(itk_area_pop(&area, 1, 1, 2, &slot, &got), 1);
    assert_int_equal(slot, 3);
    assert_int_equal(itk_area_pop(&area, 1, 1, 2, &slot, &got), 1);
    assert_int_equal(slot, 1);
}

/* Whatever a child scribbled, walks end and indices stay inside. */
static void a_scribbled_area_is_survived(void **state)
{
    uint32_t seen[SLOTS] = {0}, slot = 0, serial, i, round;

    (void)state;
    srand(42);
    for (round = 0; round < 2000; round++) {
        for (i = 0; i < SLOTS; i++) {
            atomic_store(&area.slots[i].next, (uint32_t)rand() % 20);
            atomic_store(&area.slots[i].ident, (uint32_t)rand() % 5);
            atomic_store(&area.slots[i].word,
                         itk_word(1, (itk_slot_state_t)(rand() % 6),
                                  (uint32_t)rand() % 9));
        }
        for (i = 0; i < IDENTS * CPUS; i++) {
            atomic_store(&area.stacks[i].head,
                         (uint64_t)rand() << 32 | (uint32_t)(rand() % 20));
        }
        if (itk_area_pop(&area, 1, 1, 2, &slot, &serial)) {
            assert_true(slot < SLOTS);
        }
        itk_area_sweep(&area, 1, seen, round + 1);
        (void)itk_area_push(&area, (uint32_t)rand() % SLOTS, 1, 2,
                            (uint32_t)rand());
    }
}

static void a_new_broker_starts_with_nothing_and_new_serials(void **state)
{
    uint32_t serial = move_in(0, 1, 5), slot, got;
    uint32_t epoch = atomic_load(&area.shared->epoch);

    (void)state;
    itk_area_push(&area, 0, serial, 5, 1);
    itk_area_reset(&area);
    assert_int_equal(atomic_load(&area.shared->epoch), epoch + 1);
    assert_int_equal(itk_area_pop(&area, 1, 1, 2, &slot, &got), 0);
    assert_true(move_in(0, 1, 5) != serial);
}

static void a_limit_is_exact_and_a_seat_counts_once(void **state)
{
    (void)state;
    assert_int_equal(itk_area_count(&area, 0, 1, 2), 1);
    assert_int_equal(itk_area_count(&area, 1, 1, 2), 1);
    assert_int_equal(itk_area_count(&area, 2, 1, 2), 0);
    assert_int_equal(itk_area_count(&area, 2, 0, 1), 1);
    itk_area_uncount(&area, 0);
    itk_area_uncount(&area, 0);
    assert_int_equal(itk_area_count(&area, 3, 1, 2), 1);
    assert_int_equal(itk_area_count(&area, 3, 1, 2), 1);
    assert_int_equal(atomic_load(&area.counts[1]), 2);
    assert_int_equal(itk_area_count(&area, SEATS, 1, 9), 0);
    assert_int_equal(itk_area_count(&area, 0, VHOSTS, 9), 0);
    itk_area_uncount(&area, SEATS);
}

/* A child: take, look that it is alone, give back. */
static void take_and_give(uint32_t owner, _Atomic uint32_t *inside)
{
    uint32_t slot, serial;

    for (;;) {
        if (!itk_area_pop(&area, 1, owner, owner, &slot, &serial)) {
            continue;
        }
        if (atomic_fetch_add(&inside[slot], 1) != 0) {
            _exit(9);
        }
        atomic_fetch_sub(&inside[slot], 1);
        if (!itk_area_push(&area, slot, serial, owner, slot + owner)) {
            _exit(8);
        }
    }
}

/* Four children at it for a moment, a sweep again and again: nobody ever
 * shares a worker, and none is lost. */
static void many_at_once_never_share_a_worker(void **state)
{
    itk_area_t other;
    _Atomic uint32_t *inside;
    uint32_t seen[SLOTS] = {0}, i, stamp = 0, slot, serial, n = 0;
    struct timespec pause = {0, 1000000};
    pid_t kids[4];
    int status;

    (void)state;
    assert_int_equal(itk_area_create(&other, 1, 1, 64, 1, 64), APR_SUCCESS);
    inside = (_Atomic uint32_t *)other.counts;
    for (i = 0; i < 6; i++) {
        itk_area_push(&area, i, move_in(i, 1, 7), 7, i);
    }
    for (i = 0; i < 4; i++) {
        kids[i] = fork();
        if (kids[i] == 0) {
            take_and_give(i, inside);
        }
    }
    for (i = 0; i < 200; i++) {
        itk_area_sweep(&area, 1, seen, ++stamp);
        nanosleep(&pause, NULL);
    }
    for (i = 0; i < 4; i++) {
        assert_int_equal(waitpid(kids[i], &status, WNOHANG), 0);
        kill(kids[i], SIGKILL);
        waitpid(kids[i], &status, 0);
    }
    /* Killed children hold what they had; everything else is on the stack. */
    while (itk_area_pop(&area, 1, 1, 7, &slot, &serial)) {
        n++;
    }
    assert_true(n >= 2 && n <= 6);
    itk_area_destroy(&other);
}

int main(void)
{
#define AREA_TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        AREA_TEST(the_last_one_back_is_the_first_out),
        AREA_TEST(workers_of_the_own_processor_come_first),
        AREA_TEST(identities_do_not_mix),
        AREA_TEST(only_its_owner_gives_a_worker_back_and_once),
        AREA_TEST(a_reaped_worker_is_passed_over),
        AREA_TEST(a_sweep_frees_the_reaped_and_keeps_the_order),
        AREA_TEST(a_scribbled_area_is_survived),
        AREA_TEST(a_new_broker_starts_with_nothing_and_new_serials),
        AREA_TEST(a_limit_is_exact_and_a_seat_counts_once),
        AREA_TEST(many_at_once_never_share_a_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
