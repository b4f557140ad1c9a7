(module
  ;; In the module's bytes, locals that are not needed at the same time are one local.
  (type $t0 (func (param i32 i32 i32)))
  (type $t1 (func (param i32)))
  (type $t2 (func (param i32 i32) (result i32)))
  (type $t3 (func (param i32 i32)))
  (type $t4 (func (param i32 i32) (result f32)))
  (type $t5 (func (param v128) (result v128)))
  (import "host" "memory" (memory 1 65536))
  (import "host" "pause" (func $pause (type $t1) (param i32)))
  (table 1 1 funcref)
  (global $epoch (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))
  (export "run" (func $run))
  (elem (i32.const 0) func $softmaxY)

  ;; Runs a list of calls: of each what this thread can get.
  (func $run (type $t0) (param $calls i32) (param $part i32) (param $parts i32)
    (local $kernel i32)
    (global.set $epoch (i32.load offset=192 (i32.const 0)))
    (loop $each
      (local.set $kernel (i32.load (local.get $calls)))
      (if (i32.ge_s (local.get $kernel) (i32.const 0))
        (then
          (call_indirect (type $t0)
            (i32.add (local.get $calls) (i32.const 8))
            (local.get $part)
            (local.get $parts)
            (local.get $kernel)
          )
          (local.set $calls (i32.add (local.get $calls) (i32.load offset=4 (local.get $calls))))
          (br_if $each (i32.const 1))
        )
      )
    )
  )

  ;; Claims items of a step; none when all of them are done.
  (func $claim (type $t2) (param $total i32) (param $parts i32) (result i32)
    (local $next i32) (local $left i32) (local $size i32) (local $turns i32) (local $state i64)
    (global.set $end (i32.const 0))
    (if (i32.eqz (local.get $total))
      (then
        (return (i32.const 0))
      )
    )
    (loop $wait
      (local.set $state (i64.atomic.load offset=64 (i32.const 0)))
      (if
        (i32.ne
          (i32.wrap_i64 (i64.shr_u (local.get $state) (i64.extend_i32_u (i32.const 32))))
          (global.get $epoch)
        )
        (then
          (global.set $epoch (i32.add (global.get $epoch) (i32.const 1)))
          (return (i32.const 0))
        )
      )
      (local.set $next (i32.wrap_i64 (local.get $state)))
      (if (i32.lt_u (local.get $next) (local.get $total))
        (then
          (local.set $left (i32.sub (local.get $total) (local.get $next)))
          (local.set $size
            (select
              (select
                (i32.div_u (local.get $left) (i32.mul (local.get $parts) (i32.const 2)))
                (i32.div_u (local.get $total) (i32.mul (local.get $parts) (i32.const 32)))
                (i32.gt_s
                  (i32.div_u (local.get $left) (i32.mul (local.get $parts) (i32.const 2)))
                  (i32.div_u (local.get $total) (i32.mul (local.get $parts) (i32.const 32)))
                )
              )
              (i32.const 1)
              (i32.gt_s
                (select
                  (i32.div_u (local.get $left) (i32.mul (local.get $parts) (i32.const 2)))
                  (i32.div_u (local.get $total) (i32.mul (local.get $parts) (i32.const 32)))
                  (i32.gt_s
                    (i32.div_u (local.get $left) (i32.mul (local.get $parts) (i32.const 2)))
                    (i32.div_u (local.get $total) (i32.mul (local.get $parts) (i32.const 32)))
                  )
                )
                (i32.const 1)
              )
            )
          )
          (local.set $size
            (select (local.get $size) (local.get $left) (i32.lt_s (local.get $size) (local.get $left)))
          )
          (if
            (i64.eq
              (i64.atomic.rmw.cmpxchg offset=64
                (i32.const 0)
                (local.get $state)
                (i64.add (local.get $state) (i64.extend_i32_u (local.get $size)))
              )
              (local.get $state)
            )
            (then
              (global.set $end (i32.add (local.get $next) (local.get $size)))
              (return (local.get $next))
            )
          )
          (br_if $wait (i32.const 1))
        )
      )
      (local.set $turns (i32.add (local.get $turns) (i32.const 1)))
      (if (i32.gt_s (local.get $turns) (i32.const 100000))
        (then
          (call $pause (global.get $epoch))
        )
      )
      (br_if $wait (i32.const 1))
    )
    (i32.const 0)
  )

  ;; Tells that items of a step are done.
  (func $finish (type $t3) (param $items i32) (param $total i32)
    (if
      (i32.eq
        (i32.add (i32.atomic.rmw.add offset=128 (i32.const 0) (local.get $items)) (local.get $items))
        (local.get $total)
      )
      (then
        (i32.atomic.store offset=128 (i32.const 0) (i32.const 0))
        (i64.atomic.store offset=64
          (i32.const 0)
          (i64.shl
            (i64.extend_i32_u (i32.add (global.get $epoch) (i32.const 1)))
            (i64.extend_i32_u (i32.const 32))
          )
        )
        (if (i32.atomic.load offset=132 (i32.const 0))
          (then
            (drop (memory.atomic.notify offset=68 (i32.const 0) (i32.const -1)))
          )
        )
      )
    )
  )

  ;; the largest of a row
  (func $rowMax (type $t4) (param $row i32) (param $count i32) (result f32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $total f32) (local $end i32)
    (local.set $a (v128.const f32x4 -inf -inf -inf -inf))
    (local.set $b (v128.const f32x4 -inf -inf -inf -inf))
    (local.set $c (v128.const f32x4 -inf -inf -inf -inf))
    (local.set $d (v128.const f32x4 -inf -inf -inf -inf))
    (local.set $end
      (i32.add (local.get $row) (i32.shl (i32.shr_u (local.get $count) (i32.const 4)) (i32.const 6)))
    )
    (if (i32.ne (local.get $row) (local.get $end))
      (then
        (loop $sixteens
          (local.set $a (f32x4.max (local.get $a) (v128.load align=4 (local.get $row))))
          (local.set $b (f32x4.max (local.get $b) (v128.load offset=16 align=4 (local.get $row))))
          (local.set $c (f32x4.max (local.get $c) (v128.load offset=32 align=4 (local.get $row))))
          (local.set $d (f32x4.max (local.get $d) (v128.load offset=48 align=4 (local.get $row))))
          (local.set $row (i32.add (local.get $row) (i32.const 64)))
          (br_if $sixteens (i32.ne (local.get $row) (local.get $end)))
        )
      )
    )
    (local.set $a
      (f32x4.max (f32x4.max (local.get $a) (local.get $b)) (f32x4.max (local.get $c) (local.get $d)))
    )
    (local.set $end
      (i32.add (local.get $row) (i32.shl (i32.and (local.get $count) (i32.const 12)) (i32.const 2)))
    )
    (if (i32.ne (local.get $row) (local.get $end))
      (then
        (loop $fours
          (local.set $a (f32x4.max (local.get $a) (v128.load align=4 (local.get $row))))
          (local.set $row (i32.add (local.get $row) (i32.const 16)))
          (br_if $fours (i32.ne (local.get $row) (local.get $end)))
        )
      )
    )
    (local.set $total
      (f32.max
        (f32.max (f32x4.extract_lane 0 (local.get $a)) (f32x4.extract_lane 1 (local.get $a)))
        (f32.max (f32x4.extract_lane 2 (local.get $a)) (f32x4.extract_lane 3 (local.get $a)))
      )
    )
    (local.set $end
      (i32.add (local.get $row) (i32.shl (i32.and (local.get $count) (i32.const 3)) (i32.const 2)))
    )
    (if (i32.ne (local.get $row) (local.get $end))
      (then
        (loop $ones
          (local.set $total (f32.max (local.get $total) (f32.load (local.get $row))))
          (local.set $row (i32.add (local.get $row) (i32.const 4)))
          (br_if $ones (i32.ne (local.get $row) (local.get $end)))
        )
      )
    )
    (local.get $total)
  )

  ;; exp of four f32
  (func $exp4 (type $t5) (param $x v128) (result v128)
    (local $y v128) (local $r v128) (local $n v128) (local $p v128) (local $half v128)
    (local.set $y
      (f32x4.pmax
        (f32x4.pmin (local.get $x) (v128.const f32x4 89 89 89 89))
        (v128.const f32x4 -104 -104 -104 -104)
      )
    )
    (local.set $r
      (f32x4.nearest (f32x4.mul (local.get $y) (v128.const f32x4 1.442695 1.442695 1.442695 1.442695)))
    )
    (local.set $n (i32x4.trunc_sat_f32x4_s (local.get $r)))
    (local.set $r
      (f32x4.sub
        (f32x4.sub
          (local.get $y)
          (f32x4.mul (local.get $r) (v128.const f32x4 0.69314575 0.69314575 0.69314575 0.69314575))
        )
        (f32x4.mul
          (local.get $r)
          (v128.const f32x4 0.0000014286068 0.0000014286068 0.0000014286068 0.0000014286068)
        )
      )
    )
    (local.set $p
      (f32x4.add
        (f32x4.mul
          (f32x4.add
            (f32x4.mul
              (f32x4.add
                (f32x4.mul
                  (f32x4.add
                    (f32x4.mul
                      (v128.const f32x4 0.0013814602 0.0013814602 0.0013814602 0.0013814602)
                      (local.get $r)
                    )
                    (v128.const f32x4 0.008368716 0.008368716 0.008368716 0.008368716)
                  )
                  (local.get $r)
                )
                (v128.const f32x4 0.04166839 0.04166839 0.04166839 0.04166839)
              )
              (local.get $r)
            )
            (v128.const f32x4 0.16666521 0.16666521 0.16666521 0.16666521)
          )
          (local.get $r)
        )
        (v128.const f32x4 0.49999994 0.49999994 0.49999994 0.49999994)
      )
    )
    (local.set $p
      (f32x4.add
        (v128.const f32x4 1 1 1 1)
        (f32x4.add (local.get $r) (f32x4.mul (f32x4.mul (local.get $r) (local.get $r)) (local.get $p)))
      )
    )
    (local.set $half (i32x4.shr_s (local.get $n) (i32.const 1)))
    (f32x4.mul
      (f32x4.mul
        (local.get $p)
        (i32x4.shl (i32x4.add (local.get $half) (v128.const i32x4 127 127 127 127)) (i32.const 23))
      )
      (i32x4.shl
        (i32x4.add (i32x4.sub (local.get $n) (local.get $half)) (v128.const i32x4 127 127 127 127))
        (i32.const 23)
      )
    )
  )

  ;; softmax.trafo:2:47: softmax
  ;;     entry forward(x: [M, 24]) -> (y: [M, 24]) { softmax(x) }
  ;; Schedule: split k 16 peel into ko ki kr; rfactor ki ko into kb kc; sink ki; split kc 4 exact into
  ;; kco kci; rfactor kci kco into kcb kcc; mark ki vector; mark kb vector; mark kci vector; mark kcb
  ;; vector; mark kco unroll; mark kcc unroll; split i 8 exact into io ii; sink ii; mark ii vector; mark
  ;; m parallel
  ;;   x: f32[M, 24]
  ;;   softmax: f32[M, 24] (written)
  (func $softmaxY (type $t0) (param $arguments i32) (param $part i32) (param $parts i32)
    (local $total_part_0 v128) (local $total_part_1 v128) (local $total_part_2 v128)
    (local $total_part_3 v128) (local $total_part_0.2 v128) (local $largest f32) (local $shift f32)
    (local $total f32) (local $x i32) (local $softmax i32) (local $M i32) (local $items i32)
    (local $first i32) (local $end i32) (local $x.2 i32) (local $softmax.2 i32) (local $softmax.end i32)
    (local $x.3 i32) (local $x.end i32) (local $softmax.3 i32) (local $x.4 i32) (local $eq i32)
    (local $x.end.2 i32)
    (local.set $x (i32.load (local.get $arguments)))
    (local.set $softmax (i32.load offset=4 (local.get $arguments)))
    (local.set $M (i32.load offset=8 (local.get $arguments)))
    (local.set $items (local.get $M))
    (local.set $first (i32.const 0))
    (local.set $end (local.get $items))
    (loop $step.4
      (if (i32.ne (local.get $parts) (i32.const 1))
        (then
          (local.set $first (call $claim (local.get $items) (local.get $parts)))
          (local.set $end (global.get $end))
        )
      )
      (if (i32.ne (local.get $first) (local.get $end))
        (then
          (local.set $x.2 (i32.add (local.get $x) (i32.mul (local.get $first) (i32.const 96))))
          (local.set $softmax.2 (i32.add (local.get $softmax) (i32.mul (local.get $first) (i32.const 96))))
          (local.set $softmax.end
            (i32.add
              (local.get $softmax.2)
              (i32.mul (i32.sub (local.get $end) (local.get $first)) (i32.const 96))
            )
          )
          (loop $m.3
            (local.set $largest (f32.const -inf))
            (local.set $largest (f32.max (local.get $largest) (call $rowMax (local.get $x.2) (i32.const 24))))
            (local.set $shift
              (select (f32.const 0) (local.get $largest) (f32.eq (local.get $largest) (f32.const -inf)))
            )
            (local.set $total (f32.const 0))
            (local.set $total_part_0 (v128.const f32x4 0 0 0 0))
            (local.set $total_part_1 (v128.const f32x4 0 0 0 0))
            (local.set $total_part_2 (v128.const f32x4 0 0 0 0))
            (local.set $total_part_3 (v128.const f32x4 0 0 0 0))
            (local.set $total_part_0
              (f32x4.add
                (local.get $total_part_0)
                (call $exp4 (f32x4.sub (v128.load align=4 (local.get $x.2)) (f32x4.splat (local.get $shift))))
              )
            )
            (local.set $total_part_1
              (f32x4.add
                (local.get $total_part_1)
                (call $exp4
                  (f32x4.sub (v128.load offset=16 align=4 (local.get $x.2)) (f32x4.splat (local.get $shift)))
                )
              )
            )
            (local.set $total_part_2
              (f32x4.add
                (local.get $total_part_2)
                (call $exp4
                  (f32x4.sub (v128.load offset=32 align=4 (local.get $x.2)) (f32x4.splat (local.get $shift)))
                )
              )
            )
            (local.set $total_part_3
              (f32x4.add
                (local.get $total_part_3)
                (call $exp4
                  (f32x4.sub (v128.load offset=48 align=4 (local.get $x.2)) (f32x4.splat (local.get $shift)))
                )
              )
            )
            (local.set $total_part_0.2 (v128.const f32x4 0 0 0 0))
            (local.set $total_part_0.2 (f32x4.add (local.get $total_part_0.2) (local.get $total_part_0)))
            (local.set $total_part_0.2 (f32x4.add (local.get $total_part_0.2) (local.get $total_part_1)))
            (local.set $total_part_0.2 (f32x4.add (local.get $total_part_0.2) (local.get $total_part_2)))
            (local.set $total_part_0.2 (f32x4.add (local.get $total_part_0.2) (local.get $total_part_3)))
            (local.set $total (f32.add (local.get $total) (f32x4.extract_lane 0 (local.get $total_part_0.2))))
            (local.set $total (f32.add (local.get $total) (f32x4.extract_lane 1 (local.get $total_part_0.2))))
            (local.set $total (f32.add (local.get $total) (f32x4.extract_lane 2 (local.get $total_part_0.2))))
            (local.set $total (f32.add (local.get $total) (f32x4.extract_lane 3 (local.get $total_part_0.2))))
            (local.set $x.3 (local.get $x.2))
            (local.set $x.end (i32.add (local.get $x.3) (i32.const 32)))
            (loop $kr.1
              (local.set $total
                (f32.add
                  (local.get $total)
                  (f32x4.extract_lane 0
                    (call $exp4
                      (f32x4.splat (f32.sub (f32.load offset=64 (local.get $x.3)) (local.get $shift)))
                    )
                  )
                )
              )
              (local.set $x.3 (i32.add (local.get $x.3) (i32.const 4)))
              (br_if $kr.1 (i32.ne (local.get $x.3) (local.get $x.end)))
            )
            (local.set $softmax.3 (local.get $softmax.2))
            (local.set $x.4 (local.get $x.2))
            (local.set $eq (f32.eq (local.get $total) (f32.const 0)))
            (local.set $x.end.2 (i32.add (local.get $x.4) (i32.const 96)))
            (loop $io.2
              (v128.store align=4
                (local.get $softmax.3)
                (v128.bitselect
                  (v128.const f32x4 0 0 0 0)
                  (f32x4.div
                    (call $exp4
                      (f32x4.sub (v128.load align=4 (local.get $x.4)) (f32x4.splat (local.get $shift)))
                    )
                    (f32x4.splat (local.get $total))
                  )
                  (i32x4.ne (i32x4.splat (local.get $eq)) (v128.const i32x4 0 0 0 0))
                )
              )
              (v128.store offset=16 align=4
                (local.get $softmax.3)
                (v128.bitselect
                  (v128.const f32x4 0 0 0 0)
                  (f32x4.div
                    (call $exp4
                      (f32x4.sub
                        (v128.load offset=16 align=4 (local.get $x.4))
                        (f32x4.splat (local.get $shift))
                      )
                    )
                    (f32x4.splat (local.get $total))
                  )
                  (i32x4.ne (i32x4.splat (local.get $eq)) (v128.const i32x4 0 0 0 0))
                )
              )
              (local.set $softmax.3 (i32.add (local.get $softmax.3) (i32.const 32)))
              (local.set $x.4 (i32.add (local.get $x.4) (i32.const 32)))
              (br_if $io.2 (i32.ne (local.get $x.4) (local.get $x.end.2)))
            )
            (local.set $x.2 (i32.add (local.get $x.2) (i32.const 96)))
            (local.set $softmax.2 (i32.add (local.get $softmax.2) (i32.const 96)))
            (br_if $m.3 (i32.ne (local.get $softmax.2) (local.get $softmax.end)))
          )
          (if (i32.ne (local.get $parts) (i32.const 1))
            (then
              (call $finish (i32.sub (local.get $end) (local.get $first)) (local.get $items))
              (br_if $step.4 (i32.const 1))
            )
          )
        )
      )
    )
  )
)
