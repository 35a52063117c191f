/**
 * Mann and Whitney's test, two-sided, by the normal approximation with ties: how likely two samples as different as these are
 * where nothing is different. It asks for no distribution, and an outlier weighs no more than any other value.
 */
export function mannWhitney(left: readonly number[], right: readonly number[]): number {
  const all = [...left.map((value) => ({ value, left: true })), ...right.map((value) => ({ value, left: false }))]
  all.sort((one, other) => one.value - other.value)
  const [n, m, total] = [left.length, right.length, all.length]
  let ranks = 0
  let ties = 0
  for (let from = 0; from < total;) {
    let to = from
    while (to < total && all[to]?.value === all[from]?.value) to += 1
    const size = to - from
    ranks += ((from + 1 + to) / 2) * all.slice(from, to).filter((item) => item.left).length
    ties += size ** 3 - size
    from = to
  }
  const u = ranks - (n * (n + 1)) / 2
  const deviation = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))))
  return deviation === 0 ? 1 : 2 * upperTail(Math.abs(u - (n * m) / 2) / deviation)
}

/** Of the normal distribution (Abramowitz and Stegun 26.2.17; to 7.5e-8). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const series = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429]
  const sum = series.reduce((part, factor, index) => part + factor * t ** (index + 1), 0)
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum
}
