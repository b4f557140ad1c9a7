/**
 * The bound for matrix products as plain JavaScript: what one writes by hand. A tile of 3 rows by 4 columns whose sums are
 * variables; the rest row by row, column by column.
 */
export function tiledByHand(x, w, out, M, N, K) {
  const rows = M - (M % 3);
  const columns = N - (N % 4);
  for (let j = 0; j < columns; j += 4)
    for (let i = 0; i < rows; i += 3) {
      let s00 = 0,
        s01 = 0,
        s02 = 0,
        s03 = 0;
      let s10 = 0,
        s11 = 0,
        s12 = 0,
        s13 = 0;
      let s20 = 0,
        s21 = 0,
        s22 = 0,
        s23 = 0;
      const x0 = i * K,
        x1 = (i + 1) * K,
        x2 = (i + 2) * K;
      for (let k = 0; k < K; k++) {
        const a0 = x[x0 + k],
          a1 = x[x1 + k],
          a2 = x[x2 + k];
        const at = k * N + j;
        const b0 = w[at],
          b1 = w[at + 1],
          b2 = w[at + 2],
          b3 = w[at + 3];
        s00 += a0 * b0;
        s01 += a0 * b1;
        s02 += a0 * b2;
        s03 += a0 * b3;
        s10 += a1 * b0;
        s11 += a1 * b1;
        s12 += a1 * b2;
        s13 += a1 * b3;
        s20 += a2 * b0;
        s21 += a2 * b1;
        s22 += a2 * b2;
        s23 += a2 * b3;
      }
      const o0 = i * N + j,
        o1 = (i + 1) * N + j,
        o2 = (i + 2) * N + j;
      out[o0] = s00;
      out[o0 + 1] = s01;
      out[o0 + 2] = s02;
      out[o0 + 3] = s03;
      out[o1] = s10;
      out[o1 + 1] = s11;
      out[o1 + 2] = s12;
      out[o1 + 3] = s13;
      out[o2] = s20;
      out[o2 + 1] = s21;
      out[o2 + 2] = s22;
      out[o2 + 3] = s23;
    }
  const one = (i, j) => {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += x[i * K + k] * w[k * N + j];
    out[i * N + j] = sum;
  };
  for (let i = rows; i < M; i++)
    for (let j = 0; j < columns; j += 4) {
      let s0 = 0,
        s1 = 0,
        s2 = 0,
        s3 = 0;
      for (let k = 0; k < K; k++) {
        const a = x[i * K + k];
        const at = k * N + j;
        s0 += a * w[at];
        s1 += a * w[at + 1];
        s2 += a * w[at + 2];
        s3 += a * w[at + 3];
      }
      out[i * N + j] = s0;
      out[i * N + j + 1] = s1;
      out[i * N + j + 2] = s2;
      out[i * N + j + 3] = s3;
    }
  for (let i = 0; i < M; i++) for (let j = columns; j < N; j++) one(i, j);
}
