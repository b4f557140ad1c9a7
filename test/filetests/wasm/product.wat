(module
  ;; In the module's bytes, locals that are not needed at the same time are one local.
  (type $t0 (func (param i32 i32 i32)))
  (type $t1 (func (param i32)))
  (type $t2 (func (param i32 i32) (result i32)))
  (type $t3 (func (param i32 i32)))
  (import "host" "memory" (memory 1 65536))
  (import "host" "pause" (func $pause (type $t1) (param i32)))
  (table 2 2 funcref)
  (global $epoch (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))
  (export "run" (func $run))
  (elem (i32.const 0) func $packWPacked $matmulBiasY)

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

  ;; product.trafo:4:53: matmul_bias
  ;;     entry forward(x: [M, 24]) -> (y: [M, 24]) { x @ w + b }
  ;; Schedule: packWeight w 1/16 0 1%16; reorder i m; split i 16 round into io ii; peelGuard io into ir
  ;; copies ii2 m2 j2; reorder m ii; split m 2 peel into mo mi mr copies ii3 j3; sink ii into j; sink mi
  ;; into j; mark mi unroll; mark ii vector; split j3 2 exact into j3o j3i; fold j3i; sink ii3 into j3o;
  ;; mark ii3 vector; reorder m2 ii2; split m2 2 peel into m2o m2i m2r copies ii4 j4; sink ii2 into j2;
  ;; sink m2i into j2; mark m2i unroll; mark ii2 vector; split j4 2 exact into j4o j4i; fold j4i; sink
  ;; ii4 into j4o; mark ii4 vector; mark io parallel; mark ir parallel
  ;;   x: f32[M, 24]
  ;;   w: f32[2, 24, 16]
  ;;   b: f32[24]
  ;;   add: f32[M, 24] (written)
  (func $matmulBiasY (type $t0) (param $arguments i32) (param $part i32) (param $parts i32)
    (local $b v128) (local $b.2 v128) (local $b.3 v128) (local $b.4 v128) (local $sum_0_0 v128)
    (local $sum_0_1 v128) (local $sum_0_2 v128) (local $sum_0_3 v128) (local $sum_1_0 v128)
    (local $sum_1_1 v128) (local $sum_1_2 v128) (local $sum_1_3 v128) (local $x v128) (local $w v128)
    (local $w.2 v128) (local $w.3 v128) (local $w.4 v128) (local $x.2 v128) (local $b.5 v128)
    (local $b.6 v128) (local $b.7 v128) (local $b.8 v128) (local $sum_0 v128) (local $sum_1 v128)
    (local $sum_2 v128) (local $sum_3 v128) (local $x.3 v128) (local $x.4 v128) (local $b.9 v128)
    (local $b.10 v128) (local $sum_0_0.2 v128) (local $sum_0_1.2 v128) (local $sum_0_2.2 v128)
    (local $sum_0_3.2 v128) (local $sum_1_0.2 v128) (local $sum_1_1.2 v128) (local $sum_1_2.2 v128)
    (local $sum_1_3.2 v128) (local $x.5 v128) (local $w.5 v128) (local $w.6 v128) (local $w.7 v128)
    (local $w.8 v128) (local $x.6 v128) (local $b.11 v128) (local $b.12 v128) (local $sum_0.2 v128)
    (local $sum_1.2 v128) (local $sum_2.2 v128) (local $sum_3.2 v128) (local $x.7 v128) (local $x.8 v128)
    (local $x.9 i32) (local $w.9 i32) (local $b.13 i32) (local $add i32) (local $M i32) (local $size i32)
    (local $items i32) (local $first i32) (local $end i32) (local $x.10 i32) (local $add.2 i32)
    (local $add.end i32) (local $x.11 i32) (local $w.10 i32) (local $w.end i32) (local $size.2 i32)
    (local $size.3 i32) (local $x.12 i32) (local $add.3 i32) (local $items.2 i32) (local $first.2 i32)
    (local $end.2 i32) (local $x.13 i32) (local $add.4 i32) (local $add.end.2 i32) (local $x.14 i32)
    (local $w.11 i32) (local $w.end.2 i32) (local $items.3 i32) (local $first.3 i32) (local $end.3 i32)
    (local $x.15 i32) (local $add.5 i32) (local $add.end.3 i32) (local $x.16 i32) (local $w.12 i32)
    (local $w.end.3 i32) (local $items.4 i32) (local $first.4 i32) (local $end.4 i32) (local $x.17 i32)
    (local $add.6 i32) (local $add.end.4 i32) (local $x.18 i32) (local $w.13 i32) (local $w.end.4 i32)
    (local.set $x.9 (i32.load (local.get $arguments)))
    (local.set $w.9 (i32.load offset=4 (local.get $arguments)))
    (local.set $b.13 (i32.load offset=8 (local.get $arguments)))
    (local.set $add (i32.load offset=12 (local.get $arguments)))
    (local.set $M (i32.load offset=16 (local.get $arguments)))
    (local.set $size (i32.div_u (local.get $M) (i32.const 2)))
    (local.set $items (i32.const 1))
    (local.set $first (i32.const 0))
    (local.set $end (local.get $items))
    (loop $step.3
      (if (i32.ne (local.get $parts) (i32.const 1))
        (then
          (local.set $first (call $claim (local.get $items) (local.get $parts)))
          (local.set $end (global.get $end))
        )
      )
      (if (i32.ne (local.get $first) (local.get $end))
        (then
          (local.set $x.10 (local.get $x.9))
          (local.set $add.2 (local.get $add))
          (local.set $b (v128.load align=4 (local.get $b.13)))
          (local.set $b.2 (v128.load offset=16 align=4 (local.get $b.13)))
          (local.set $b.3 (v128.load offset=32 align=4 (local.get $b.13)))
          (local.set $b.4 (v128.load offset=48 align=4 (local.get $b.13)))
          (local.set $add.end (i32.add (local.get $add.2) (i32.mul (local.get $size) (i32.const 192))))
          (if (local.get $size)
            (then
              (loop $mo.2
                (local.set $sum_0_0 (v128.const f32x4 0 0 0 0))
                (local.set $sum_0_1 (v128.const f32x4 0 0 0 0))
                (local.set $sum_0_2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_0_3 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1_0 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1_1 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1_2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1_3 (v128.const f32x4 0 0 0 0))
                (local.set $x.11 (local.get $x.10))
                (local.set $w.10 (local.get $w.9))
                (local.set $w.end (i32.add (local.get $w.10) (i32.const 1536)))
                (loop $j.1
                  (local.set $x (v128.load32_splat (local.get $x.11)))
                  (local.set $w (v128.load align=4 (local.get $w.10)))
                  (local.set $sum_0_0
                    (f32x4.add (f32x4.mul (local.get $x) (local.get $w)) (local.get $sum_0_0))
                  )
                  (local.set $w.2 (v128.load offset=16 align=4 (local.get $w.10)))
                  (local.set $sum_0_1
                    (f32x4.add (f32x4.mul (local.get $x) (local.get $w.2)) (local.get $sum_0_1))
                  )
                  (local.set $w.3 (v128.load offset=32 align=4 (local.get $w.10)))
                  (local.set $sum_0_2
                    (f32x4.add (f32x4.mul (local.get $x) (local.get $w.3)) (local.get $sum_0_2))
                  )
                  (local.set $w.4 (v128.load offset=48 align=4 (local.get $w.10)))
                  (local.set $sum_0_3
                    (f32x4.add (f32x4.mul (local.get $x) (local.get $w.4)) (local.get $sum_0_3))
                  )
                  (local.set $x.2 (v128.load32_splat offset=96 (local.get $x.11)))
                  (local.set $sum_1_0
                    (f32x4.add (f32x4.mul (local.get $x.2) (local.get $w)) (local.get $sum_1_0))
                  )
                  (local.set $sum_1_1
                    (f32x4.add (f32x4.mul (local.get $x.2) (local.get $w.2)) (local.get $sum_1_1))
                  )
                  (local.set $sum_1_2
                    (f32x4.add (f32x4.mul (local.get $x.2) (local.get $w.3)) (local.get $sum_1_2))
                  )
                  (local.set $sum_1_3
                    (f32x4.add (f32x4.mul (local.get $x.2) (local.get $w.4)) (local.get $sum_1_3))
                  )
                  (local.set $x.11 (i32.add (local.get $x.11) (i32.const 4)))
                  (local.set $w.10 (i32.add (local.get $w.10) (i32.const 64)))
                  (br_if $j.1 (i32.ne (local.get $w.10) (local.get $w.end)))
                )
                (v128.store align=4 (local.get $add.2) (f32x4.add (local.get $sum_0_0) (local.get $b)))
                (v128.store offset=16 align=4
                  (local.get $add.2)
                  (f32x4.add (local.get $sum_0_1) (local.get $b.2))
                )
                (v128.store offset=32 align=4
                  (local.get $add.2)
                  (f32x4.add (local.get $sum_0_2) (local.get $b.3))
                )
                (v128.store offset=48 align=4
                  (local.get $add.2)
                  (f32x4.add (local.get $sum_0_3) (local.get $b.4))
                )
                (v128.store offset=96 align=4
                  (local.get $add.2)
                  (f32x4.add (local.get $sum_1_0) (local.get $b))
                )
                (v128.store offset=112 align=4
                  (local.get $add.2)
                  (f32x4.add (local.get $sum_1_1) (local.get $b.2))
                )
                (v128.store offset=128 align=4
                  (local.get $add.2)
                  (f32x4.add (local.get $sum_1_2) (local.get $b.3))
                )
                (v128.store offset=144 align=4
                  (local.get $add.2)
                  (f32x4.add (local.get $sum_1_3) (local.get $b.4))
                )
                (local.set $x.10 (i32.add (local.get $x.10) (i32.const 192)))
                (local.set $add.2 (i32.add (local.get $add.2) (i32.const 192)))
                (br_if $mo.2 (i32.ne (local.get $add.2) (local.get $add.end)))
              )
            )
          )
          (if (i32.ne (local.get $parts) (i32.const 1))
            (then
              (call $finish (i32.sub (local.get $end) (local.get $first)) (local.get $items))
              (br_if $step.3 (i32.const 1))
            )
          )
        )
      )
    )
    (local.set $size.2 (i32.rem_u (local.get $M) (i32.const 2)))
    (local.set $size.3 (i32.mul (i32.div_u (local.get $M) (i32.const 2)) (i32.const 192)))
    (local.set $x.12 (i32.add (local.get $x.9) (local.get $size.3)))
    (local.set $add.3 (i32.add (local.get $add) (local.get $size.3)))
    (local.set $items.2 (i32.const 1))
    (local.set $first.2 (i32.const 0))
    (local.set $end.2 (local.get $items.2))
    (loop $step.6
      (if (i32.ne (local.get $parts) (i32.const 1))
        (then
          (local.set $first.2 (call $claim (local.get $items.2) (local.get $parts)))
          (local.set $end.2 (global.get $end))
        )
      )
      (if (i32.ne (local.get $first.2) (local.get $end.2))
        (then
          (local.set $x.13 (local.get $x.12))
          (local.set $add.4 (local.get $add.3))
          (local.set $b.5 (v128.load align=4 (local.get $b.13)))
          (local.set $b.6 (v128.load offset=16 align=4 (local.get $b.13)))
          (local.set $b.7 (v128.load offset=32 align=4 (local.get $b.13)))
          (local.set $b.8 (v128.load offset=48 align=4 (local.get $b.13)))
          (local.set $add.end.2 (i32.add (local.get $add.4) (i32.mul (local.get $size.2) (i32.const 96))))
          (if (local.get $size.2)
            (then
              (loop $mr.5
                (local.set $sum_0 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1 (v128.const f32x4 0 0 0 0))
                (local.set $sum_2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_3 (v128.const f32x4 0 0 0 0))
                (local.set $x.14 (local.get $x.13))
                (local.set $w.11 (local.get $w.9))
                (local.set $w.end.2 (i32.add (local.get $w.11) (i32.const 1536)))
                (loop $j3o.4
                  (local.set $x.3 (v128.load32_splat (local.get $x.14)))
                  (local.set $x.4 (v128.load32_splat offset=4 (local.get $x.14)))
                  (local.set $sum_0
                    (f32x4.add
                      (local.get $sum_0)
                      (f32x4.add
                        (f32x4.mul (local.get $x.3) (v128.load align=4 (local.get $w.11)))
                        (f32x4.mul (local.get $x.4) (v128.load offset=64 align=4 (local.get $w.11)))
                      )
                    )
                  )
                  (local.set $sum_1
                    (f32x4.add
                      (local.get $sum_1)
                      (f32x4.add
                        (f32x4.mul (local.get $x.3) (v128.load offset=16 align=4 (local.get $w.11)))
                        (f32x4.mul (local.get $x.4) (v128.load offset=80 align=4 (local.get $w.11)))
                      )
                    )
                  )
                  (local.set $sum_2
                    (f32x4.add
                      (local.get $sum_2)
                      (f32x4.add
                        (f32x4.mul (local.get $x.3) (v128.load offset=32 align=4 (local.get $w.11)))
                        (f32x4.mul (local.get $x.4) (v128.load offset=96 align=4 (local.get $w.11)))
                      )
                    )
                  )
                  (local.set $sum_3
                    (f32x4.add
                      (local.get $sum_3)
                      (f32x4.add
                        (f32x4.mul (local.get $x.3) (v128.load offset=48 align=4 (local.get $w.11)))
                        (f32x4.mul (local.get $x.4) (v128.load offset=112 align=4 (local.get $w.11)))
                      )
                    )
                  )
                  (local.set $x.14 (i32.add (local.get $x.14) (i32.const 8)))
                  (local.set $w.11 (i32.add (local.get $w.11) (i32.const 128)))
                  (br_if $j3o.4 (i32.ne (local.get $w.11) (local.get $w.end.2)))
                )
                (v128.store align=4 (local.get $add.4) (f32x4.add (local.get $sum_0) (local.get $b.5)))
                (v128.store offset=16 align=4
                  (local.get $add.4)
                  (f32x4.add (local.get $sum_1) (local.get $b.6))
                )
                (v128.store offset=32 align=4
                  (local.get $add.4)
                  (f32x4.add (local.get $sum_2) (local.get $b.7))
                )
                (v128.store offset=48 align=4
                  (local.get $add.4)
                  (f32x4.add (local.get $sum_3) (local.get $b.8))
                )
                (local.set $x.13 (i32.add (local.get $x.13) (i32.const 96)))
                (local.set $add.4 (i32.add (local.get $add.4) (i32.const 96)))
                (br_if $mr.5 (i32.ne (local.get $add.4) (local.get $add.end.2)))
              )
            )
          )
          (if (i32.ne (local.get $parts) (i32.const 1))
            (then
              (call $finish (i32.sub (local.get $end.2) (local.get $first.2)) (local.get $items.2))
              (br_if $step.6 (i32.const 1))
            )
          )
        )
      )
    )
    (local.set $items.3 (i32.const 1))
    (local.set $first.3 (i32.const 0))
    (local.set $end.3 (local.get $items.3))
    (loop $step.9
      (if (i32.ne (local.get $parts) (i32.const 1))
        (then
          (local.set $first.3 (call $claim (local.get $items.3) (local.get $parts)))
          (local.set $end.3 (global.get $end))
        )
      )
      (if (i32.ne (local.get $first.3) (local.get $end.3))
        (then
          (local.set $x.15 (local.get $x.9))
          (local.set $add.5 (local.get $add))
          (local.set $b.9 (v128.load offset=64 align=4 (local.get $b.13)))
          (local.set $b.10 (v128.load offset=80 align=4 (local.get $b.13)))
          (local.set $add.end.3 (i32.add (local.get $add.5) (i32.mul (local.get $size) (i32.const 192))))
          (if (local.get $size)
            (then
              (loop $m2o.8
                (local.set $sum_0_0.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_0_1.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_0_2.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_0_3.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1_0.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1_1.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1_2.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1_3.2 (v128.const f32x4 0 0 0 0))
                (local.set $x.16 (local.get $x.15))
                (local.set $w.12 (local.get $w.9))
                (local.set $w.end.3 (i32.add (local.get $w.12) (i32.const 1536)))
                (loop $j2.7
                  (local.set $x.5 (v128.load32_splat (local.get $x.16)))
                  (local.set $w.5 (v128.load offset=1536 align=4 (local.get $w.12)))
                  (local.set $sum_0_0.2
                    (f32x4.add (f32x4.mul (local.get $x.5) (local.get $w.5)) (local.get $sum_0_0.2))
                  )
                  (local.set $w.6 (v128.load offset=1552 align=4 (local.get $w.12)))
                  (local.set $sum_0_1.2
                    (f32x4.add (f32x4.mul (local.get $x.5) (local.get $w.6)) (local.get $sum_0_1.2))
                  )
                  (local.set $w.7 (v128.load offset=1568 align=4 (local.get $w.12)))
                  (local.set $sum_0_2.2
                    (f32x4.add (f32x4.mul (local.get $x.5) (local.get $w.7)) (local.get $sum_0_2.2))
                  )
                  (local.set $w.8 (v128.load offset=1584 align=4 (local.get $w.12)))
                  (local.set $sum_0_3.2
                    (f32x4.add (f32x4.mul (local.get $x.5) (local.get $w.8)) (local.get $sum_0_3.2))
                  )
                  (local.set $x.6 (v128.load32_splat offset=96 (local.get $x.16)))
                  (local.set $sum_1_0.2
                    (f32x4.add (f32x4.mul (local.get $x.6) (local.get $w.5)) (local.get $sum_1_0.2))
                  )
                  (local.set $sum_1_1.2
                    (f32x4.add (f32x4.mul (local.get $x.6) (local.get $w.6)) (local.get $sum_1_1.2))
                  )
                  (local.set $sum_1_2.2
                    (f32x4.add (f32x4.mul (local.get $x.6) (local.get $w.7)) (local.get $sum_1_2.2))
                  )
                  (local.set $sum_1_3.2
                    (f32x4.add (f32x4.mul (local.get $x.6) (local.get $w.8)) (local.get $sum_1_3.2))
                  )
                  (local.set $x.16 (i32.add (local.get $x.16) (i32.const 4)))
                  (local.set $w.12 (i32.add (local.get $w.12) (i32.const 64)))
                  (br_if $j2.7 (i32.ne (local.get $w.12) (local.get $w.end.3)))
                )
                (v128.store offset=64 align=4
                  (local.get $add.5)
                  (f32x4.add (local.get $sum_0_0.2) (local.get $b.9))
                )
                (v128.store offset=80 align=4
                  (local.get $add.5)
                  (f32x4.add (local.get $sum_0_1.2) (local.get $b.10))
                )
                (v128.store offset=160 align=4
                  (local.get $add.5)
                  (f32x4.add (local.get $sum_1_0.2) (local.get $b.9))
                )
                (v128.store offset=176 align=4
                  (local.get $add.5)
                  (f32x4.add (local.get $sum_1_1.2) (local.get $b.10))
                )
                (local.set $x.15 (i32.add (local.get $x.15) (i32.const 192)))
                (local.set $add.5 (i32.add (local.get $add.5) (i32.const 192)))
                (br_if $m2o.8 (i32.ne (local.get $add.5) (local.get $add.end.3)))
              )
            )
          )
          (if (i32.ne (local.get $parts) (i32.const 1))
            (then
              (call $finish (i32.sub (local.get $end.3) (local.get $first.3)) (local.get $items.3))
              (br_if $step.9 (i32.const 1))
            )
          )
        )
      )
    )
    (local.set $items.4 (i32.const 1))
    (local.set $first.4 (i32.const 0))
    (local.set $end.4 (local.get $items.4))
    (loop $step.12
      (if (i32.ne (local.get $parts) (i32.const 1))
        (then
          (local.set $first.4 (call $claim (local.get $items.4) (local.get $parts)))
          (local.set $end.4 (global.get $end))
        )
      )
      (if (i32.ne (local.get $first.4) (local.get $end.4))
        (then
          (local.set $x.17 (local.get $x.12))
          (local.set $add.6 (local.get $add.3))
          (local.set $b.11 (v128.load offset=64 align=4 (local.get $b.13)))
          (local.set $b.12 (v128.load offset=80 align=4 (local.get $b.13)))
          (local.set $add.end.4 (i32.add (local.get $add.6) (i32.mul (local.get $size.2) (i32.const 96))))
          (if (local.get $size.2)
            (then
              (loop $m2r.11
                (local.set $sum_0.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_2.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_3.2 (v128.const f32x4 0 0 0 0))
                (local.set $x.18 (local.get $x.17))
                (local.set $w.13 (local.get $w.9))
                (local.set $w.end.4 (i32.add (local.get $w.13) (i32.const 1536)))
                (loop $j4o.10
                  (local.set $x.7 (v128.load32_splat (local.get $x.18)))
                  (local.set $x.8 (v128.load32_splat offset=4 (local.get $x.18)))
                  (local.set $sum_0.2
                    (f32x4.add
                      (local.get $sum_0.2)
                      (f32x4.add
                        (f32x4.mul (local.get $x.7) (v128.load offset=1536 align=4 (local.get $w.13)))
                        (f32x4.mul (local.get $x.8) (v128.load offset=1600 align=4 (local.get $w.13)))
                      )
                    )
                  )
                  (local.set $sum_1.2
                    (f32x4.add
                      (local.get $sum_1.2)
                      (f32x4.add
                        (f32x4.mul (local.get $x.7) (v128.load offset=1552 align=4 (local.get $w.13)))
                        (f32x4.mul (local.get $x.8) (v128.load offset=1616 align=4 (local.get $w.13)))
                      )
                    )
                  )
                  (local.set $sum_2.2
                    (f32x4.add
                      (local.get $sum_2.2)
                      (f32x4.add
                        (f32x4.mul (local.get $x.7) (v128.load offset=1568 align=4 (local.get $w.13)))
                        (f32x4.mul (local.get $x.8) (v128.load offset=1632 align=4 (local.get $w.13)))
                      )
                    )
                  )
                  (local.set $sum_3.2
                    (f32x4.add
                      (local.get $sum_3.2)
                      (f32x4.add
                        (f32x4.mul (local.get $x.7) (v128.load offset=1584 align=4 (local.get $w.13)))
                        (f32x4.mul (local.get $x.8) (v128.load offset=1648 align=4 (local.get $w.13)))
                      )
                    )
                  )
                  (local.set $x.18 (i32.add (local.get $x.18) (i32.const 8)))
                  (local.set $w.13 (i32.add (local.get $w.13) (i32.const 128)))
                  (br_if $j4o.10 (i32.ne (local.get $w.13) (local.get $w.end.4)))
                )
                (v128.store offset=64 align=4
                  (local.get $add.6)
                  (f32x4.add (local.get $sum_0.2) (local.get $b.11))
                )
                (v128.store offset=80 align=4
                  (local.get $add.6)
                  (f32x4.add (local.get $sum_1.2) (local.get $b.12))
                )
                (local.set $x.17 (i32.add (local.get $x.17) (i32.const 96)))
                (local.set $add.6 (i32.add (local.get $add.6) (i32.const 96)))
                (br_if $m2r.11 (i32.ne (local.get $add.6) (local.get $add.end.4)))
              )
            )
          )
          (if (i32.ne (local.get $parts) (i32.const 1))
            (then
              (call $finish (i32.sub (local.get $end.4) (local.get $first.4)) (local.get $items.4))
              (br_if $step.12 (i32.const 1))
            )
          )
        )
      )
    )
  )

  ;; product.trafo:4:53: matmul_bias
  ;;     entry forward(x: [M, 24]) -> (y: [M, 24]) { x @ w + b }
  ;; On hosts with relaxed SIMD, instead of the function before.
  ;; Schedule: packWeight w 1/16 0 1%16; reorder i m; split i 16 round into io ii; peelGuard io into ir
  ;; copies ii2 m2 j2; reorder m ii; split m 6 peel into mo mi mr copies ii3 j3; split ii 8 exact into
  ;; iio iii; reorder iio mo mi iii; sink iii into j; sink mi into j; mark mi unroll; mark iii vector;
  ;; split j3 2 exact into j3o j3i; fold j3i; sink ii3 into j3o; mark ii3 vector; reorder m2 ii2; split
  ;; m2 6 peel into m2o m2i m2r copies ii4 j4; split ii2 8 exact into ii2o ii2i; reorder ii2o m2o m2i
  ;; ii2i; sink ii2i into j2; sink m2i into j2; mark m2i unroll; mark ii2i vector; split j4 2 exact into
  ;; j4o j4i; fold j4i; sink ii4 into j4o; mark ii4 vector; mark io parallel; mark ir parallel
  ;;   x: f32[M, 24]
  ;;   w: f32[2, 24, 16]
  ;;   b: f32[24]
  ;;   add: f32[M, 24] (written)
  (func $matmulBiasY2 (type $t0) (param $arguments i32) (param $part i32) (param $parts i32)
    (local $b v128) (local $b.2 v128) (local $sum_0_0 v128) (local $sum_0_1 v128) (local $sum_1_0 v128)
    (local $sum_1_1 v128) (local $sum_2_0 v128) (local $sum_2_1 v128) (local $sum_3_0 v128)
    (local $sum_3_1 v128) (local $sum_4_0 v128) (local $sum_4_1 v128) (local $sum_5_0 v128)
    (local $sum_5_1 v128) (local $x v128) (local $w v128) (local $w.2 v128) (local $x.2 v128)
    (local $x.3 v128) (local $x.4 v128) (local $x.5 v128) (local $x.6 v128) (local $b.3 v128)
    (local $b.4 v128) (local $b.5 v128) (local $b.6 v128) (local $sum_0 v128) (local $sum_1 v128)
    (local $sum_2 v128) (local $sum_3 v128) (local $x.7 v128) (local $x.8 v128) (local $sum_0_0.2 v128)
    (local $sum_0_1.2 v128) (local $sum_1_0.2 v128) (local $sum_1_1.2 v128) (local $sum_2_0.2 v128)
    (local $sum_2_1.2 v128) (local $sum_3_0.2 v128) (local $sum_3_1.2 v128) (local $sum_4_0.2 v128)
    (local $sum_4_1.2 v128) (local $sum_5_0.2 v128) (local $sum_5_1.2 v128) (local $x.9 v128)
    (local $w.3 v128) (local $w.4 v128) (local $x.10 v128) (local $x.11 v128) (local $x.12 v128)
    (local $x.13 v128) (local $x.14 v128) (local $b.7 v128) (local $b.8 v128) (local $sum_0.2 v128)
    (local $sum_1.2 v128) (local $sum_2.2 v128) (local $sum_3.2 v128) (local $x.15 v128) (local $x.16 v128)
    (local $x.17 i32) (local $w.5 i32) (local $b.9 i32) (local $add i32) (local $M i32) (local $size i32)
    (local $items i32) (local $first i32) (local $end i32) (local $w.6 i32) (local $add.2 i32)
    (local $b.10 i32) (local $b.end i32) (local $x.18 i32) (local $add.3 i32) (local $add.end i32)
    (local $x.19 i32) (local $w.7 i32) (local $w.end i32) (local $size.2 i32) (local $size.3 i32)
    (local $x.20 i32) (local $add.4 i32) (local $items.2 i32) (local $first.2 i32) (local $end.2 i32)
    (local $x.21 i32) (local $add.5 i32) (local $add.end.2 i32) (local $x.22 i32) (local $w.8 i32)
    (local $w.end.2 i32) (local $items.3 i32) (local $first.3 i32) (local $end.3 i32) (local $w.9 i32)
    (local $add.6 i32) (local $b.11 i32) (local $ii2o i32) (local $x.23 i32) (local $size.4 i32)
    (local $lt i32) (local $add.7 i32) (local $size.5 i32) (local $lt.2 i32) (local $add.end.3 i32)
    (local $x.24 i32) (local $w.10 i32) (local $w.end.3 i32) (local $items.4 i32) (local $first.4 i32)
    (local $end.4 i32) (local $x.25 i32) (local $add.8 i32) (local $add.end.4 i32) (local $x.26 i32)
    (local $w.11 i32) (local $w.end.4 i32)
    (local.set $x.17 (i32.load (local.get $arguments)))
    (local.set $w.5 (i32.load offset=4 (local.get $arguments)))
    (local.set $b.9 (i32.load offset=8 (local.get $arguments)))
    (local.set $add (i32.load offset=12 (local.get $arguments)))
    (local.set $M (i32.load offset=16 (local.get $arguments)))
    (local.set $size (i32.div_u (local.get $M) (i32.const 6)))
    (local.set $items (i32.const 1))
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
          (local.set $w.6 (local.get $w.5))
          (local.set $add.2 (local.get $add))
          (local.set $b.10 (local.get $b.9))
          (local.set $b.end (i32.add (local.get $b.10) (i32.const 64)))
          (loop $iio.3
            (local.set $x.18 (local.get $x.17))
            (local.set $add.3 (local.get $add.2))
            (local.set $b (v128.load align=4 (local.get $b.10)))
            (local.set $b.2 (v128.load offset=16 align=4 (local.get $b.10)))
            (local.set $add.end (i32.add (local.get $add.3) (i32.mul (local.get $size) (i32.const 576))))
            (if (local.get $size)
              (then
                (loop $mo.2
                  (local.set $sum_0_0 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_0_1 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_1_0 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_1_1 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_2_0 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_2_1 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_3_0 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_3_1 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_4_0 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_4_1 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_5_0 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_5_1 (v128.const f32x4 0 0 0 0))
                  (local.set $x.19 (local.get $x.18))
                  (local.set $w.7 (local.get $w.6))
                  (local.set $w.end (i32.add (local.get $w.7) (i32.const 1536)))
                  (loop $j.1
                    (local.set $x (v128.load32_splat (local.get $x.19)))
                    (local.set $w (v128.load align=4 (local.get $w.7)))
                    (local.set $sum_0_0
                      (f32x4.add (f32x4.mul (local.get $x) (local.get $w)) (local.get $sum_0_0))
                    )
                    (local.set $w.2 (v128.load offset=16 align=4 (local.get $w.7)))
                    (local.set $sum_0_1
                      (f32x4.add (f32x4.mul (local.get $x) (local.get $w.2)) (local.get $sum_0_1))
                    )
                    (local.set $x.2 (v128.load32_splat offset=96 (local.get $x.19)))
                    (local.set $sum_1_0
                      (f32x4.add (f32x4.mul (local.get $x.2) (local.get $w)) (local.get $sum_1_0))
                    )
                    (local.set $sum_1_1
                      (f32x4.add (f32x4.mul (local.get $x.2) (local.get $w.2)) (local.get $sum_1_1))
                    )
                    (local.set $x.3 (v128.load32_splat offset=192 (local.get $x.19)))
                    (local.set $sum_2_0
                      (f32x4.add (f32x4.mul (local.get $x.3) (local.get $w)) (local.get $sum_2_0))
                    )
                    (local.set $sum_2_1
                      (f32x4.add (f32x4.mul (local.get $x.3) (local.get $w.2)) (local.get $sum_2_1))
                    )
                    (local.set $x.4 (v128.load32_splat offset=288 (local.get $x.19)))
                    (local.set $sum_3_0
                      (f32x4.add (f32x4.mul (local.get $x.4) (local.get $w)) (local.get $sum_3_0))
                    )
                    (local.set $sum_3_1
                      (f32x4.add (f32x4.mul (local.get $x.4) (local.get $w.2)) (local.get $sum_3_1))
                    )
                    (local.set $x.5 (v128.load32_splat offset=384 (local.get $x.19)))
                    (local.set $sum_4_0
                      (f32x4.add (f32x4.mul (local.get $x.5) (local.get $w)) (local.get $sum_4_0))
                    )
                    (local.set $sum_4_1
                      (f32x4.add (f32x4.mul (local.get $x.5) (local.get $w.2)) (local.get $sum_4_1))
                    )
                    (local.set $x.6 (v128.load32_splat offset=480 (local.get $x.19)))
                    (local.set $sum_5_0
                      (f32x4.add (f32x4.mul (local.get $x.6) (local.get $w)) (local.get $sum_5_0))
                    )
                    (local.set $sum_5_1
                      (f32x4.add (f32x4.mul (local.get $x.6) (local.get $w.2)) (local.get $sum_5_1))
                    )
                    (local.set $x.19 (i32.add (local.get $x.19) (i32.const 4)))
                    (local.set $w.7 (i32.add (local.get $w.7) (i32.const 64)))
                    (br_if $j.1 (i32.ne (local.get $w.7) (local.get $w.end)))
                  )
                  (v128.store align=4 (local.get $add.3) (f32x4.add (local.get $sum_0_0) (local.get $b)))
                  (v128.store offset=16 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_0_1) (local.get $b.2))
                  )
                  (v128.store offset=96 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_1_0) (local.get $b))
                  )
                  (v128.store offset=112 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_1_1) (local.get $b.2))
                  )
                  (v128.store offset=192 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_2_0) (local.get $b))
                  )
                  (v128.store offset=208 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_2_1) (local.get $b.2))
                  )
                  (v128.store offset=288 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_3_0) (local.get $b))
                  )
                  (v128.store offset=304 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_3_1) (local.get $b.2))
                  )
                  (v128.store offset=384 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_4_0) (local.get $b))
                  )
                  (v128.store offset=400 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_4_1) (local.get $b.2))
                  )
                  (v128.store offset=480 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_5_0) (local.get $b))
                  )
                  (v128.store offset=496 align=4
                    (local.get $add.3)
                    (f32x4.add (local.get $sum_5_1) (local.get $b.2))
                  )
                  (local.set $x.18 (i32.add (local.get $x.18) (i32.const 576)))
                  (local.set $add.3 (i32.add (local.get $add.3) (i32.const 576)))
                  (br_if $mo.2 (i32.ne (local.get $add.3) (local.get $add.end)))
                )
              )
            )
            (local.set $w.6 (i32.add (local.get $w.6) (i32.const 32)))
            (local.set $add.2 (i32.add (local.get $add.2) (i32.const 32)))
            (local.set $b.10 (i32.add (local.get $b.10) (i32.const 32)))
            (br_if $iio.3 (i32.ne (local.get $b.10) (local.get $b.end)))
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
    (local.set $size.2 (i32.rem_u (local.get $M) (i32.const 6)))
    (local.set $size.3 (i32.mul (i32.div_u (local.get $M) (i32.const 6)) (i32.const 576)))
    (local.set $x.20 (i32.add (local.get $x.17) (local.get $size.3)))
    (local.set $add.4 (i32.add (local.get $add) (local.get $size.3)))
    (local.set $items.2 (i32.const 1))
    (local.set $first.2 (i32.const 0))
    (local.set $end.2 (local.get $items.2))
    (loop $step.7
      (if (i32.ne (local.get $parts) (i32.const 1))
        (then
          (local.set $first.2 (call $claim (local.get $items.2) (local.get $parts)))
          (local.set $end.2 (global.get $end))
        )
      )
      (if (i32.ne (local.get $first.2) (local.get $end.2))
        (then
          (local.set $x.21 (local.get $x.20))
          (local.set $add.5 (local.get $add.4))
          (local.set $b.3 (v128.load align=4 (local.get $b.9)))
          (local.set $b.4 (v128.load offset=16 align=4 (local.get $b.9)))
          (local.set $b.5 (v128.load offset=32 align=4 (local.get $b.9)))
          (local.set $b.6 (v128.load offset=48 align=4 (local.get $b.9)))
          (local.set $add.end.2 (i32.add (local.get $add.5) (i32.mul (local.get $size.2) (i32.const 96))))
          (if (local.get $size.2)
            (then
              (loop $mr.6
                (local.set $sum_0 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1 (v128.const f32x4 0 0 0 0))
                (local.set $sum_2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_3 (v128.const f32x4 0 0 0 0))
                (local.set $x.22 (local.get $x.21))
                (local.set $w.8 (local.get $w.5))
                (local.set $w.end.2 (i32.add (local.get $w.8) (i32.const 1536)))
                (loop $j3o.5
                  (local.set $x.7 (v128.load32_splat (local.get $x.22)))
                  (local.set $x.8 (v128.load32_splat offset=4 (local.get $x.22)))
                  (local.set $sum_0
                    (f32x4.add
                      (local.get $sum_0)
                      (f32x4.add
                        (f32x4.mul (local.get $x.7) (v128.load align=4 (local.get $w.8)))
                        (f32x4.mul (local.get $x.8) (v128.load offset=64 align=4 (local.get $w.8)))
                      )
                    )
                  )
                  (local.set $sum_1
                    (f32x4.add
                      (local.get $sum_1)
                      (f32x4.add
                        (f32x4.mul (local.get $x.7) (v128.load offset=16 align=4 (local.get $w.8)))
                        (f32x4.mul (local.get $x.8) (v128.load offset=80 align=4 (local.get $w.8)))
                      )
                    )
                  )
                  (local.set $sum_2
                    (f32x4.add
                      (local.get $sum_2)
                      (f32x4.add
                        (f32x4.mul (local.get $x.7) (v128.load offset=32 align=4 (local.get $w.8)))
                        (f32x4.mul (local.get $x.8) (v128.load offset=96 align=4 (local.get $w.8)))
                      )
                    )
                  )
                  (local.set $sum_3
                    (f32x4.add
                      (local.get $sum_3)
                      (f32x4.add
                        (f32x4.mul (local.get $x.7) (v128.load offset=48 align=4 (local.get $w.8)))
                        (f32x4.mul (local.get $x.8) (v128.load offset=112 align=4 (local.get $w.8)))
                      )
                    )
                  )
                  (local.set $x.22 (i32.add (local.get $x.22) (i32.const 8)))
                  (local.set $w.8 (i32.add (local.get $w.8) (i32.const 128)))
                  (br_if $j3o.5 (i32.ne (local.get $w.8) (local.get $w.end.2)))
                )
                (v128.store align=4 (local.get $add.5) (f32x4.add (local.get $sum_0) (local.get $b.3)))
                (v128.store offset=16 align=4
                  (local.get $add.5)
                  (f32x4.add (local.get $sum_1) (local.get $b.4))
                )
                (v128.store offset=32 align=4
                  (local.get $add.5)
                  (f32x4.add (local.get $sum_2) (local.get $b.5))
                )
                (v128.store offset=48 align=4
                  (local.get $add.5)
                  (f32x4.add (local.get $sum_3) (local.get $b.6))
                )
                (local.set $x.21 (i32.add (local.get $x.21) (i32.const 96)))
                (local.set $add.5 (i32.add (local.get $add.5) (i32.const 96)))
                (br_if $mr.6 (i32.ne (local.get $add.5) (local.get $add.end.2)))
              )
            )
          )
          (if (i32.ne (local.get $parts) (i32.const 1))
            (then
              (call $finish (i32.sub (local.get $end.2) (local.get $first.2)) (local.get $items.2))
              (br_if $step.7 (i32.const 1))
            )
          )
        )
      )
    )
    (local.set $items.3 (i32.const 1))
    (local.set $first.3 (i32.const 0))
    (local.set $end.3 (local.get $items.3))
    (loop $step.11
      (if (i32.ne (local.get $parts) (i32.const 1))
        (then
          (local.set $first.3 (call $claim (local.get $items.3) (local.get $parts)))
          (local.set $end.3 (global.get $end))
        )
      )
      (if (i32.ne (local.get $first.3) (local.get $end.3))
        (then
          (local.set $w.9 (local.get $w.5))
          (local.set $add.6 (local.get $add))
          (local.set $b.11 (local.get $b.9))
          (local.set $ii2o (i32.const 0))
          (loop $ii2o.10
            (local.set $x.23 (local.get $x.17))
            (local.set $size.4 (i32.add (i32.shl (local.get $ii2o) (i32.const 3)) (i32.const 16)))
            (local.set $lt (i32.lt_s (local.get $size.4) (i32.const 24)))
            (local.set $add.7 (local.get $add.6))
            (local.set $size.5 (i32.add (i32.shl (local.get $ii2o) (i32.const 3)) (i32.const 20)))
            (local.set $lt.2 (i32.lt_s (local.get $size.5) (i32.const 24)))
            (local.set $add.end.3 (i32.add (local.get $add.7) (i32.mul (local.get $size) (i32.const 576))))
            (if (local.get $size)
              (then
                (loop $m2o.9
                  (local.set $sum_0_0.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_0_1.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_1_0.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_1_1.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_2_0.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_2_1.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_3_0.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_3_1.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_4_0.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_4_1.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_5_0.2 (v128.const f32x4 0 0 0 0))
                  (local.set $sum_5_1.2 (v128.const f32x4 0 0 0 0))
                  (local.set $x.24 (local.get $x.23))
                  (local.set $w.10 (local.get $w.9))
                  (local.set $w.end.3 (i32.add (local.get $w.10) (i32.const 1536)))
                  (loop $j2.8
                    (local.set $x.9 (v128.load32_splat (local.get $x.24)))
                    (local.set $w.3 (v128.load offset=1536 align=4 (local.get $w.10)))
                    (local.set $sum_0_0.2
                      (f32x4.add (f32x4.mul (local.get $x.9) (local.get $w.3)) (local.get $sum_0_0.2))
                    )
                    (local.set $w.4 (v128.load offset=1552 align=4 (local.get $w.10)))
                    (local.set $sum_0_1.2
                      (f32x4.add (f32x4.mul (local.get $x.9) (local.get $w.4)) (local.get $sum_0_1.2))
                    )
                    (local.set $x.10 (v128.load32_splat offset=96 (local.get $x.24)))
                    (local.set $sum_1_0.2
                      (f32x4.add (f32x4.mul (local.get $x.10) (local.get $w.3)) (local.get $sum_1_0.2))
                    )
                    (local.set $sum_1_1.2
                      (f32x4.add (f32x4.mul (local.get $x.10) (local.get $w.4)) (local.get $sum_1_1.2))
                    )
                    (local.set $x.11 (v128.load32_splat offset=192 (local.get $x.24)))
                    (local.set $sum_2_0.2
                      (f32x4.add (f32x4.mul (local.get $x.11) (local.get $w.3)) (local.get $sum_2_0.2))
                    )
                    (local.set $sum_2_1.2
                      (f32x4.add (f32x4.mul (local.get $x.11) (local.get $w.4)) (local.get $sum_2_1.2))
                    )
                    (local.set $x.12 (v128.load32_splat offset=288 (local.get $x.24)))
                    (local.set $sum_3_0.2
                      (f32x4.add (f32x4.mul (local.get $x.12) (local.get $w.3)) (local.get $sum_3_0.2))
                    )
                    (local.set $sum_3_1.2
                      (f32x4.add (f32x4.mul (local.get $x.12) (local.get $w.4)) (local.get $sum_3_1.2))
                    )
                    (local.set $x.13 (v128.load32_splat offset=384 (local.get $x.24)))
                    (local.set $sum_4_0.2
                      (f32x4.add (f32x4.mul (local.get $x.13) (local.get $w.3)) (local.get $sum_4_0.2))
                    )
                    (local.set $sum_4_1.2
                      (f32x4.add (f32x4.mul (local.get $x.13) (local.get $w.4)) (local.get $sum_4_1.2))
                    )
                    (local.set $x.14 (v128.load32_splat offset=480 (local.get $x.24)))
                    (local.set $sum_5_0.2
                      (f32x4.add (f32x4.mul (local.get $x.14) (local.get $w.3)) (local.get $sum_5_0.2))
                    )
                    (local.set $sum_5_1.2
                      (f32x4.add (f32x4.mul (local.get $x.14) (local.get $w.4)) (local.get $sum_5_1.2))
                    )
                    (local.set $x.24 (i32.add (local.get $x.24) (i32.const 4)))
                    (local.set $w.10 (i32.add (local.get $w.10) (i32.const 64)))
                    (br_if $j2.8 (i32.ne (local.get $w.10) (local.get $w.end.3)))
                  )
                  (if (local.get $lt)
                    (then
                      (v128.store offset=64 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_0_0.2) (v128.load offset=64 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt.2)
                    (then
                      (v128.store offset=80 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_0_1.2) (v128.load offset=80 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt)
                    (then
                      (v128.store offset=160 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_1_0.2) (v128.load offset=64 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt.2)
                    (then
                      (v128.store offset=176 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_1_1.2) (v128.load offset=80 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt)
                    (then
                      (v128.store offset=256 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_2_0.2) (v128.load offset=64 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt.2)
                    (then
                      (v128.store offset=272 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_2_1.2) (v128.load offset=80 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt)
                    (then
                      (v128.store offset=352 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_3_0.2) (v128.load offset=64 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt.2)
                    (then
                      (v128.store offset=368 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_3_1.2) (v128.load offset=80 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt)
                    (then
                      (v128.store offset=448 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_4_0.2) (v128.load offset=64 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt.2)
                    (then
                      (v128.store offset=464 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_4_1.2) (v128.load offset=80 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt)
                    (then
                      (v128.store offset=544 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_5_0.2) (v128.load offset=64 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (if (local.get $lt.2)
                    (then
                      (v128.store offset=560 align=4
                        (local.get $add.7)
                        (f32x4.add (local.get $sum_5_1.2) (v128.load offset=80 align=4 (local.get $b.11)))
                      )
                    )
                  )
                  (local.set $x.23 (i32.add (local.get $x.23) (i32.const 576)))
                  (local.set $add.7 (i32.add (local.get $add.7) (i32.const 576)))
                  (br_if $m2o.9 (i32.ne (local.get $add.7) (local.get $add.end.3)))
                )
              )
            )
            (local.set $w.9 (i32.add (local.get $w.9) (i32.const 32)))
            (local.set $add.6 (i32.add (local.get $add.6) (i32.const 32)))
            (local.set $b.11 (i32.add (local.get $b.11) (i32.const 32)))
            (br_if $ii2o.10 (i32.ne (local.tee $ii2o (i32.add (local.get $ii2o) (i32.const 1))) (i32.const 2)))
          )
          (if (i32.ne (local.get $parts) (i32.const 1))
            (then
              (call $finish (i32.sub (local.get $end.3) (local.get $first.3)) (local.get $items.3))
              (br_if $step.11 (i32.const 1))
            )
          )
        )
      )
    )
    (local.set $items.4 (i32.const 1))
    (local.set $first.4 (i32.const 0))
    (local.set $end.4 (local.get $items.4))
    (loop $step.14
      (if (i32.ne (local.get $parts) (i32.const 1))
        (then
          (local.set $first.4 (call $claim (local.get $items.4) (local.get $parts)))
          (local.set $end.4 (global.get $end))
        )
      )
      (if (i32.ne (local.get $first.4) (local.get $end.4))
        (then
          (local.set $x.25 (local.get $x.20))
          (local.set $add.8 (local.get $add.4))
          (local.set $b.7 (v128.load offset=64 align=4 (local.get $b.9)))
          (local.set $b.8 (v128.load offset=80 align=4 (local.get $b.9)))
          (local.set $add.end.4 (i32.add (local.get $add.8) (i32.mul (local.get $size.2) (i32.const 96))))
          (if (local.get $size.2)
            (then
              (loop $m2r.13
                (local.set $sum_0.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_1.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_2.2 (v128.const f32x4 0 0 0 0))
                (local.set $sum_3.2 (v128.const f32x4 0 0 0 0))
                (local.set $x.26 (local.get $x.25))
                (local.set $w.11 (local.get $w.5))
                (local.set $w.end.4 (i32.add (local.get $w.11) (i32.const 1536)))
                (loop $j4o.12
                  (local.set $x.15 (v128.load32_splat (local.get $x.26)))
                  (local.set $x.16 (v128.load32_splat offset=4 (local.get $x.26)))
                  (local.set $sum_0.2
                    (f32x4.add
                      (local.get $sum_0.2)
                      (f32x4.add
                        (f32x4.mul (local.get $x.15) (v128.load offset=1536 align=4 (local.get $w.11)))
                        (f32x4.mul (local.get $x.16) (v128.load offset=1600 align=4 (local.get $w.11)))
                      )
                    )
                  )
                  (local.set $sum_1.2
                    (f32x4.add
                      (local.get $sum_1.2)
                      (f32x4.add
                        (f32x4.mul (local.get $x.15) (v128.load offset=1552 align=4 (local.get $w.11)))
                        (f32x4.mul (local.get $x.16) (v128.load offset=1616 align=4 (local.get $w.11)))
                      )
                    )
                  )
                  (local.set $sum_2.2
                    (f32x4.add
                      (local.get $sum_2.2)
                      (f32x4.add
                        (f32x4.mul (local.get $x.15) (v128.load offset=1568 align=4 (local.get $w.11)))
                        (f32x4.mul (local.get $x.16) (v128.load offset=1632 align=4 (local.get $w.11)))
                      )
                    )
                  )
                  (local.set $sum_3.2
                    (f32x4.add
                      (local.get $sum_3.2)
                      (f32x4.add
                        (f32x4.mul (local.get $x.15) (v128.load offset=1584 align=4 (local.get $w.11)))
                        (f32x4.mul (local.get $x.16) (v128.load offset=1648 align=4 (local.get $w.11)))
                      )
                    )
                  )
                  (local.set $x.26 (i32.add (local.get $x.26) (i32.const 8)))
                  (local.set $w.11 (i32.add (local.get $w.11) (i32.const 128)))
                  (br_if $j4o.12 (i32.ne (local.get $w.11) (local.get $w.end.4)))
                )
                (v128.store offset=64 align=4
                  (local.get $add.8)
                  (f32x4.add (local.get $sum_0.2) (local.get $b.7))
                )
                (v128.store offset=80 align=4
                  (local.get $add.8)
                  (f32x4.add (local.get $sum_1.2) (local.get $b.8))
                )
                (local.set $x.25 (i32.add (local.get $x.25) (i32.const 96)))
                (local.set $add.8 (i32.add (local.get $add.8) (i32.const 96)))
                (br_if $m2r.13 (i32.ne (local.get $add.8) (local.get $add.end.4)))
              )
            )
          )
          (if (i32.ne (local.get $parts) (i32.const 1))
            (then
              (call $finish (i32.sub (local.get $end.4) (local.get $first.4)) (local.get $items.4))
              (br_if $step.14 (i32.const 1))
            )
          )
        )
      )
    )
  )

  ;; product.trafo:4:53: pack
  ;;     entry forward(x: [M, 24]) -> (y: [M, 24]) { x @ w + b }
  ;;   w: f32[24, 24]
  ;;   packed: f32[2, 24, 16] (written)
  (func $packWPacked (type $t0) (param $arguments i32) (param $part i32) (param $parts i32)
    (local $w i32) (local $packed i32) (local $items i32) (local $first i32) (local $end i32)
    (local $packed.2 i32) (local $i0 i32) (local $packed.3 i32) (local $i1 i32) (local $packed.4 i32)
    (local $i2 i32) (local $size i32) (local $size.2 i32) (local $w.2 i32)
    (local.set $w (i32.load (local.get $arguments)))
    (local.set $packed (i32.load offset=4 (local.get $arguments)))
    (local.set $items (i32.const 1))
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
          (local.set $packed.2 (local.get $packed))
          (local.set $i0 (i32.const 0))
          (loop $i0.3
            (local.set $packed.3 (local.get $packed.2))
            (local.set $i1 (i32.const 0))
            (loop $i1.2
              (local.set $packed.4 (local.get $packed.3))
              (local.set $i2 (i32.const 0))
              (loop $i2.1
                (local.set $size (i32.add (i32.shl (local.get $i0) (i32.const 4)) (local.get $i2)))
                (local.set $size.2
                  (i32.add
                    (i32.mul (local.get $i1) (i32.const 96))
                    (i32.shl
                      (select (local.get $size) (i32.const 23) (i32.lt_s (local.get $size) (i32.const 23)))
                      (i32.const 2)
                    )
                  )
                )
                (local.set $w.2 (i32.add (local.get $w) (local.get $size.2)))
                (f32.store
                  (local.get $packed.4)
                  (select
                    (f32.load (local.get $w.2))
                    (f32.const 0)
                    (i32.lt_s (local.get $size) (i32.const 24))
                  )
                )
                (local.set $packed.4 (i32.add (local.get $packed.4) (i32.const 4)))
                (br_if $i2.1 (i32.ne (local.tee $i2 (i32.add (local.get $i2) (i32.const 1))) (i32.const 16)))
              )
              (local.set $packed.3 (i32.add (local.get $packed.3) (i32.const 64)))
              (br_if $i1.2 (i32.ne (local.tee $i1 (i32.add (local.get $i1) (i32.const 1))) (i32.const 24)))
            )
            (local.set $packed.2 (i32.add (local.get $packed.2) (i32.const 1536)))
            (br_if $i0.3 (i32.ne (local.tee $i0 (i32.add (local.get $i0) (i32.const 1))) (i32.const 2)))
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
