/* The benchmark's load: keep-alive connections that send one request again and again, and check what comes back.
 *
 *     load PORT CONNECTIONS SECONDS RATE REQUEST-FILE EVENTS [EXPECTED-FILE]
 *
 * RATE is requests a second over all connections; 0 sends the next as soon as an answer is whole. EVENTS is how
 * many events an answer must bring, 0 for one with Content-Length. EXPECTED-FILE holds the body an answer must
 * have, byte for byte, where "#" stands for any digit. Streams begin spread over a second. Prints one line of JSON: answers, events, errors, seconds,
 * and in microseconds p50 and p99 of an answer's time (from when it was due, so that waiting counts), or with
 * events of an event's delay since the mock wrote "@" and its clock into it.
 */
#include "common.h"

enum { HEAD_MAX = 8192, STAMP = 16, BINS = 4000000, BEGIN_US = 1000000 };
enum state { HEAD, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER, SIZED };

struct conn {
    int fd, is_busy, is_bad, events, head_bytes;
    int stamp_digits;            /* read of a stamp; -1 outside one */
    long stamp, due_us;
    enum state state;
    size_t left, body_bytes;     /* of the body or chunk still to come; of the body so far */
    size_t request_left;
    char head[HEAD_MAX];
};

static struct conn *conns;
static struct sockaddr_in address;
static char *request, *expected;
static size_t request_bytes, expected_bytes;
static int connections, wanted_events, poller;
static double rate;
static long begun_us, until_us, asked, answers, events, errors, measured;
static unsigned bins[BINS]; /* how many took so many microseconds */

static void measure(long took_us) {
    bins[took_us < 0 ? 0 : took_us < BINS ? took_us : BINS - 1]++;
    measured++;
}

static long percentile(double share) {
    double seen = 0;
    for (long us = 0; us < BINS; us++)
        if ((seen += bins[us]) >= share * (double)measured)
            return us;
    return BINS;
}

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        die(path);
    *size = (size_t)ftell(file);
    rewind(file);
    char *data = malloc(*size + 1);
    if (!data || fread(data, 1, *size, file) != *size)
        die(path);
    fclose(file);
    return data;
}

static void watch(struct conn *c, int operation) {
    struct epoll_event wanted = {.events = EPOLLIN | (c->request_left ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &wanted))
        die("epoll_ctl");
}

static void push_request(struct conn *c) {
    size_t before = c->request_left;
    ssize_t done = send(c->fd, request + request_bytes - before, before, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done > 0)
        c->request_left -= (size_t)done;
    if (c->request_left || before != request_bytes) /* else it left at once, and nobody watches for room */
        watch(c, EPOLL_CTL_MOD);
}

static void ask(struct conn *c, long due_us) {
    c->is_busy = 1;
    c->is_bad = c->events = c->head_bytes = 0;
    c->body_bytes = 0;
    c->stamp_digits = -1;
    c->state = HEAD;
    c->due_us = due_us;
    c->request_left = request_bytes;
    asked++;
    push_request(c);
}

static void join(struct conn *c) {
    int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address))
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    c->is_busy = 0;
    c->request_left = 0;
    watch(c, EPOLL_CTL_ADD);
}

static void count_events(struct conn *c, const char *data, size_t size, long at_us) {
    const char *end = data + size;
    while (data < end) {
        if (c->stamp_digits < 0) {
            data = memchr(data, '@', (size_t)(end - data));
            if (!data)
                return;
            data++;
            c->stamp_digits = 0;
            c->stamp = 0;
            continue;
        }
        c->stamp = c->stamp * 10 + (*data++ - '0');
        if (++c->stamp_digits == STAMP) {
            c->stamp_digits = -1;
            c->events++;
            events++;
            measure(at_us - c->stamp);
        }
    }
}

static void take_body(struct conn *c, const char *data, size_t size, long at_us) {
    for (size_t i = 0; expected && i < size && !c->is_bad; i++) {
        char want = c->body_bytes + i < expected_bytes ? expected[c->body_bytes + i] : 0;
        c->is_bad = want != data[i] && !(want == '#' && data[i] >= '0' && data[i] <= '9');
    }
    c->body_bytes += size;
    if (wanted_events)
        count_events(c, data, size, at_us);
}

static void whole(struct conn *c, long at_us) {
    answers++;
    errors += c->is_bad || c->events != wanted_events || (expected && c->body_bytes != expected_bytes);
    c->is_busy = 0;
    if (!wanted_events)
        measure(at_us - c->due_us);
    if (rate == 0 && at_us < until_us)
        ask(c, at_us);
}

static void read_head(struct conn *c) {
    const char *length = strcasestr(c->head, "\ncontent-length:");
    if (strncmp(c->head, "HTTP/1.1 200 ", 13))
        c->is_bad = 1;
    c->state = length ? SIZED : CHUNK_SIZE;
    c->left = length ? (size_t)atol(length + 16) : 0;
}

static void take(struct conn *c, const char *data, size_t size, long at_us) {
    const char *end = data + size;
    while (data < end && c->is_busy) {
        if (c->state == CHUNK || c->state == SIZED) {
            size_t part = (size_t)(end - data) < c->left ? (size_t)(end - data) : c->left;
            take_body(c, data, part, at_us);
            data += part;
            c->left -= part;
            if (!c->left && c->state == SIZED)
                whole(c, at_us);
            else if (!c->left)
                c->state = CHUNK_END;
            continue;
        }
        char byte = *data++; /* the lines of framing, byte by byte: they are few */
        if (c->state == HEAD) {
            c->head[c->head_bytes++] = byte;
            c->head[c->head_bytes] = 0;
            if (c->head_bytes >= 4 && byte == '\n' && !memcmp(c->head + c->head_bytes - 4, "\r\n\r\n", 4))
                read_head(c);
            else if (c->head_bytes == HEAD_MAX - 1)
                die("an answer's head is too long");
        } else if (c->state == CHUNK_SIZE && byte == '\n') {
            c->state = c->left ? CHUNK : TRAILER;
        } else if (c->state == CHUNK_SIZE && byte != '\r') {
            c->left = c->left * 16 + (size_t)(byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10);
        } else if (c->state == CHUNK_END && byte == '\n') {
            c->state = CHUNK_SIZE;
        } else if (c->state == TRAILER && byte == '\n') {
            whole(c, at_us);
        }
    }
}

static void serve(struct conn *c, unsigned ready) {
    static char data[262144];
    if (ready & EPOLLOUT && c->request_left)
        push_request(c);
    if (!(ready & ~(unsigned)EPOLLOUT))
        return;
    ssize_t got = recv(c->fd, data, sizeof data, MSG_DONTWAIT);
    if (got > 0) {
        take(c, data, (size_t)got, now_us());
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        errors += c->is_busy;
        close(c->fd);
        join(c);
        if (rate == 0)
            ask(c, now_us());
    }
}

/* Ask what is due: at the wanted rate, or the first request of a connection. Gives how long until the next. */
static long ask_due(int *begun, long at_us) {
    static int next;
    long due_us = at_us + 100000;
    if (rate == 0) {
        for (; *begun < connections; ++*begun) {
            due_us = begun_us + (wanted_events ? (long)BEGIN_US * *begun / connections : 0);
            if (due_us > at_us)
                return due_us - at_us;
            ask(&conns[*begun], due_us);
        }
        return 100000;
    }
    while ((due_us = begun_us + (long)((double)asked * 1e6 / rate)) <= at_us) {
        int tries = 0;
        while (tries < connections && conns[next].is_busy)
            next = (next + 1) % connections, tries++;
        if (tries == connections)
            return 1000; /* all are waiting: it will be asked late, and its time counts from when it was due */
        ask(&conns[next], due_us);
    }
    return due_us - at_us;
}

int main(int count, char **arguments) {
    if (count != 7 && count != 8) {
        fprintf(stderr, "load PORT CONNECTIONS SECONDS RATE REQUEST-FILE EVENTS [EXPECTED-FILE]\n");
        return 2;
    }
    allow_many_files();
    connections = atoi(arguments[2]);
    rate = atof(arguments[4]);
    request = read_file(arguments[5], &request_bytes);
    wanted_events = atoi(arguments[6]);
    if (count == 8)
        expected = read_file(arguments[7], &expected_bytes);
    address = loopback(arguments[1]);
    poller = epoll_create1(0);
    conns = calloc((size_t)connections, sizeof *conns);
    for (int i = 0; i < connections; i++)
        join(&conns[i]);
    begun_us = now_us();
    until_us = begun_us + (long)(atof(arguments[3]) * 1e6);
    struct epoll_event ready[WAKE_MAX];
    int begun = 0;
    long at_us;
    while ((at_us = now_us()) < until_us) {
        long wait_us = ask_due(&begun, at_us);
        struct timespec wait = {wait_us / 1000000, wait_us % 1000000 * 1000};
        int found = epoll_pwait2(poller, ready, WAKE_MAX, &wait, NULL);
        for (int i = 0; i < found; i++)
            serve(ready[i].data.ptr, ready[i].events);
    }
    printf("{\"answers\": %ld, \"events\": %ld, \"errors\": %ld, \"seconds\": %.6f, \"p50_us\": %ld, \"p99_us\": %ld}\n",
           answers, events, errors, (double)(at_us - begun_us) / 1e6, percentile(0.5), percentile(0.99));
}
