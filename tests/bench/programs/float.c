/* Floating point: matrix product, n-body, FFT in double. Built twice, for the x87 and for SSE2, which does the work REPEATS times. */
#include <math.h>
#include <string.h>
#include "bench.h"

#ifndef REPEATS
#define REPEATS 1
#endif

static uint32_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint32_t)(bits >> 32) ^ (uint32_t)bits;
}

static uint32_t matmul(void) {
  enum { N = 120 };
  static double a[N][N], b[N][N], c[N][N];
  uint32_t seed = 5, sum = 0;
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      a[i][j] = next_random(&seed) / 4294967296.0;
      b[i][j] = next_random(&seed) / 4294967296.0 - 0.5;
    }
  }
  for (int round = scaled(6 * REPEATS); round > 0; round--) {
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < N; j++) {
        double dot = 0;
        for (int k = 0; k < N; k++) dot += a[i][k] * b[k][j];
        c[i][j] = dot;
      }
    }
    sum = mix(sum, bits_of(c[round % N][(round * 7) % N]));
    a[round % N][0] += 0.125;
  }
  return sum;
}

/* The sun and four planets, in a leapfrog. */
static uint32_t nbody(void) {
  enum { BODIES = 5 };
  static const double start[BODIES][7] = {
    { 0, 0, 0, 0, 0, 0, 39.478 },
    { 4.8414, -1.1603, -0.1036, 0.6063, 2.8120, -0.0252, 0.0377 },
    { 8.3434, 4.1248, -0.4035, -1.0107, 1.8256, 0.0084, 0.0113 },
    { 12.8944, -15.1112, -0.2233, 1.0827, 0.8687, -0.0108, 0.0017 },
    { 15.3797, -25.9193, 0.1793, 0.9791, 0.5946, -0.0347, 0.0020 },
  };
  double body[BODIES][7];
  memcpy(body, start, sizeof body);
  for (int step = scaled(40000 * REPEATS); step > 0; step--) {
    for (int i = 0; i < BODIES; i++) {
      for (int j = i + 1; j < BODIES; j++) {
        double dx = body[i][0] - body[j][0], dy = body[i][1] - body[j][1], dz = body[i][2] - body[j][2];
        double square = dx * dx + dy * dy + dz * dz;
        double pull = 0.001 / (square * sqrt(square));
        for (int k = 0; k < 3; k++) {
          double d = k == 0 ? dx : k == 1 ? dy : dz;
          body[i][3 + k] -= d * body[j][6] * pull;
          body[j][3 + k] += d * body[i][6] * pull;
        }
      }
    }
    for (int i = 0; i < BODIES; i++) {
      for (int k = 0; k < 3; k++) body[i][k] += 0.001 * body[i][3 + k];
    }
  }
  uint32_t sum = 0;
  for (int i = 0; i < BODIES; i++) sum = mix(sum, bits_of(body[i][0]));
  return sum;
}

static void transform(double *re, double *im, int n, int sign) {
  for (int i = 1, j = 0; i < n; i++) {
    int bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    double t = re[i];
    re[i] = re[j];
    re[j] = t;
    t = im[i];
    im[i] = im[j];
    im[j] = t;
  }
  for (int length = 2; length <= n; length <<= 1) {
    double angle = sign * 6.283185307179586 / length, wr = cos(angle), wi = sin(angle);
    for (int i = 0; i < n; i += length) {
      double cr = 1, ci = 0;
      for (int k = 0; k < length / 2; k++) {
        int a = i + k, b = a + length / 2;
        double tr = re[b] * cr - im[b] * ci, ti = re[b] * ci + im[b] * cr;
        re[b] = re[a] - tr;
        im[b] = im[a] - ti;
        re[a] += tr;
        im[a] += ti;
        double nr = cr * wr - ci * wi;
        ci = cr * wi + ci * wr;
        cr = nr;
      }
    }
  }
}

static uint32_t fft(void) {
  enum { N = 4096 };
  static double re[N], im[N];
  uint32_t seed = 9, sum = 0;
  for (int i = 0; i < N; i++) re[i] = next_random(&seed) / 4294967296.0;
  for (int round = scaled(60 * REPEATS); round > 0; round--) {
    transform(re, im, N, round & 1 ? 1 : -1);
    for (int i = 0; i < N; i++) {
      re[i] *= 0.015625;
      im[i] *= 0.015625;
    }
    sum = mix(sum, bits_of(re[round]));
  }
  return sum;
}

const struct program programs[] = { { "matmul", matmul }, { "nbody", nbody }, { "fft", fft }, { 0, 0 } };
