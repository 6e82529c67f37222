r"""The Gaussian and the Onsager part of every product with W_0, read off a finite network.

In the n = ∞ network the product of an initial matrix W_0 with a vector v of the training is the
sum of two parts, W_0 v = Ẑ^{W_0 v} + Ż^{W_0 v}: Ẑ is Gaussian, with the covariance that W_0 would
give to vectors that know nothing of it; Ż, the Onsager part, is a combination of the backward
signals, through which v does know W_0 (Yang 2020, Tensor Programs III; Chen et al. 2025).

At finite n both stand in the conditioning that `infwidth.network.layers.lazy` draws by. Let q_k
(rows of Q_x) and p_k (rows of Q_y) be the orthonormal directions that W_0 was looked at forward and
backward, in the order of the looks. Of W_0 q_k, the part within the backward directions known by
then follows from earlier answers; the rest is news,

    g_k = (I - Q_yᵀ Q_y) W_0 q_k,

N(0, σ² I) in the n - s_k dimensions beyond the s_k known directions, whatever came before. So

    Ẑ^{W_0 v} := Σ_k <q_k, v> g_k,    Ż^{W_0 v} := W_0 v - Ẑ^{W_0 v} ∈ span(Q_y),

and backward, W_0ᵀ dh, with the sides exchanged. Here W_0 is a dense network's own matrix, looked at
through `KnownWeights`.

`products` has these parts, `matrix` what is observed of a matrix, `training` the training whose
products are taken apart.
"""
