// Calls the C interfaces of all kernels on many shapes, for the sanitizers to watch. See script/sanitize.py.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

struct Problem {  // as in lstm.cpp
    int64_t batch, length, inputs, units, layers, directions;
    const float *x;
    int64_t x_row, x_time, x_item;
    const float *const *weights;
    const float *h0, *c0;
    float *y;
    int64_t y_row, y_time;
    float *hn, *cn, *kept;
    const float *dy;
    int64_t dy_row, dy_time;
    const float *dhn, *dcn;
    float *dx;
    int64_t dx_row, dx_time;
    float *const *dweights;
    float *dh0, *dc0;
    int64_t threads, level;
};

extern "C" int64_t harken_lstm_level();
extern "C" int64_t harken_lstm_kept(const Problem *);
extern "C" int harken_lstm_forward(const Problem *);
extern "C" int harken_lstm_backward(const Problem *);
extern "C" void harken_lstm_activations(int64_t, const float *, float *, float *, int64_t);

struct Convolution {  // as in convolution.cpp
    int64_t batch, time, channels, filters, kernel, stride, padding, groups, outputs;
    const float *x;
    int64_t x_window, x_time;
    const float *packed;
    float *y;
    int64_t y_window, y_time, relu, residual, threads, level;
};

extern "C" int64_t harken_convolution_packed(const Convolution *);
extern "C" void harken_convolution_pack(const Convolution *, const float *, const float *, float *);
extern "C" int harken_convolution_forward(const Convolution *);

struct Layer {  // as in convolution_layer.cpp
    int64_t batch, time, channels, filters, kernel, stride, padding, groups, outputs;
    const float *x, *weight, *scale, *shift;
    double epsilon;
    float *mean, *variance;
    const uint8_t *random;
    int64_t dropped, residual;
    float *z, *y;
    const float *dy;
    int64_t dy_window, dy_time;
    float *dx, *dweight, *dscale, *dshift;
    int64_t threads, level;
};

extern "C" int harken_layer_forward(const Layer *);
extern "C" int harken_layer_backward(const Layer *);

typedef std::vector<float> Floats;
typedef std::vector<uint8_t> Bytes;
static uint32_t state = 1;

static Floats random_floats(int64_t count) {
    Floats made(static_cast<size_t>(count));
    for (float &value : made) {
        state = state * 1664525u + 1013904223u;
        value = static_cast<float>(state >> 8) / 16777216.0f - 0.5f;
    }
    return made;
}

static Bytes random_bytes(int64_t count) {
    Bytes made(static_cast<size_t>(count));
    for (uint8_t &value : made) value = static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
    return made;
}

static int failures = 0;

static void check(const Floats &values, const char *what) {
    for (float value : values)
        if (!std::isfinite(value)) {
            std::printf("%s: not finite\n", what);
            failures++;
            return;
        }
}

static void run(int64_t batch, int64_t length, int64_t inputs, int64_t units, int64_t layers, int64_t directions,
                int64_t level, int64_t threads) {
    const int64_t numbers = layers * directions, states = numbers * batch * units;
    std::vector<Floats> weights, gradients;
    std::vector<const float *> weight_addresses;
    std::vector<float *> gradient_addresses;
    for (int64_t layer = 0; layer < layers; layer++)
        for (int64_t direction = 0; direction < directions; direction++)
            for (int64_t width : {layer ? directions * units : inputs, units, int64_t(1), int64_t(1)}) {
                weights.push_back(random_floats(4 * units * width));
                gradients.push_back(Floats(weights.back().size()));
            }
    for (size_t i = 0; i < weights.size(); i++) {
        weight_addresses.push_back(weights[i].data());
        gradient_addresses.push_back(gradients[i].data());
    }
    const Floats x = random_floats(batch * length * inputs), h0 = random_floats(states), c0 = random_floats(states);
    const Floats dy = random_floats(batch * length * directions * units), dhn = random_floats(states);
    Floats y(dy.size()), hn(h0.size()), cn(h0.size()), dx(x.size()), dh0(h0.size()), dc0(h0.size());
    Problem p = {};
    p.batch = batch, p.length = length, p.inputs = inputs, p.units = units, p.layers = layers;
    p.directions = directions, p.threads = threads, p.level = level;
    p.x = x.data(), p.x_row = length * inputs, p.x_time = inputs, p.x_item = 1;
    p.weights = weight_addresses.data(), p.h0 = h0.data(), p.c0 = c0.data();
    p.y = y.data(), p.y_row = length * directions * units, p.y_time = directions * units;
    p.hn = hn.data(), p.cn = cn.data();
    for (int with = 0; with < 3; with++) {  // nothing kept, kept, and made again in backward
        Floats kept(with == 1 ? static_cast<size_t>(harken_lstm_kept(&p)) : 0);
        p.kept = with == 1 ? kept.data() : nullptr;
        if (harken_lstm_forward(&p)) failures++;
        if (with == 0) continue;
        p.dy = dy.data(), p.dy_row = p.y_row, p.dy_time = p.y_time, p.dhn = dhn.data();
        p.dx = with == 1 ? dx.data() : nullptr, p.dx_row = p.x_row, p.dx_time = p.x_time;
        p.dweights = gradient_addresses.data(), p.dh0 = dh0.data(), p.dc0 = dc0.data();
        if (harken_lstm_backward(&p)) failures++;
    }
    check(y, "y");
    check(dx, "dx");
    for (const Floats &gradient : gradients) check(gradient, "gradient");
}

static void convolve(int64_t batch, int64_t time, int64_t channels, int64_t filters, int64_t kernel, int64_t stride,
                     int64_t padding, int64_t groups, int64_t level, int64_t threads) {
    Convolution p = {};
    p.batch = batch, p.time = time, p.channels = channels, p.filters = filters, p.kernel = kernel, p.stride = stride;
    p.padding = padding, p.groups = groups, p.outputs = (time + 2 * padding - kernel) / stride + 1;
    p.level = level, p.threads = threads, p.relu = 1;
    p.residual = channels == filters && p.outputs == time;
    const Floats x = random_floats(batch * time * channels), weight = random_floats(filters * channels / groups * kernel);
    const Floats bias = random_floats(filters);
    Floats y(static_cast<size_t>(batch * p.outputs * filters), NAN);
    Floats packed(static_cast<size_t>(harken_convolution_packed(&p)));
    harken_convolution_pack(&p, weight.data(), bias.data(), packed.data());
    p.x = x.data(), p.x_window = time * channels, p.x_time = channels, p.packed = packed.data();
    p.y = y.data(), p.y_window = p.outputs * filters, p.y_time = filters;
    if (harken_convolution_forward(&p)) failures++;
    check(y, "convolution");
}

static void train(int64_t batch, int64_t time, int64_t channels, int64_t filters, int64_t kernel, int64_t stride,
                  int64_t padding, int64_t groups, int64_t level, int64_t threads) {
    Layer p = {};
    p.batch = batch, p.time = time, p.channels = channels, p.filters = filters, p.kernel = kernel, p.stride = stride;
    p.padding = padding, p.groups = groups, p.outputs = (time + 2 * padding - kernel) / stride + 1;
    p.level = level, p.threads = threads, p.epsilon = 1e-5, p.dropped = 50;
    p.residual = channels == filters && p.outputs == time;
    const int64_t values = batch * p.outputs * filters;
    const Floats x = random_floats(batch * time * channels), weight = random_floats(filters * channels / groups * kernel);
    const Floats scale = random_floats(filters), shift = random_floats(filters), dy = random_floats(values);
    const Bytes random = random_bytes(values);
    Floats mean(scale.size()), variance(scale.size()), z(dy.size()), y(dy.size(), NAN), dx(x.size(), NAN);
    Floats dweight(weight.size(), NAN), dscale(scale.size(), NAN), dshift(scale.size(), NAN);
    p.x = x.data(), p.weight = weight.data(), p.scale = scale.data(), p.shift = shift.data();
    p.mean = mean.data(), p.variance = variance.data(), p.z = z.data(), p.y = y.data();
    p.dy = dy.data(), p.dy_window = p.outputs * filters, p.dy_time = filters;
    p.dweight = dweight.data(), p.dscale = dscale.data(), p.dshift = dshift.data();
    for (bool with : {false, true}) {  // without and with dropout and the gradients of the inputs
        p.random = with ? random.data() : nullptr, p.dx = with ? dx.data() : nullptr;
        if (harken_layer_forward(&p)) failures++;
        if (harken_layer_backward(&p)) failures++;
    }
    for (const Floats *found : {&y, &dx, &dweight, &dscale, &dshift}) check(*found, "layer");
}

int main() {
    const int64_t convolutions[][8] = {{1, 1, 1, 1, 1, 1, 0, 1},     {3, 300, 7, 64, 9, 2, 4, 1}, {2, 75, 64, 128, 5, 2, 2, 1},
                                       {2, 38, 128, 128, 3, 1, 1, 8}, {5, 10, 6, 33, 4, 3, 1, 3},  {101, 1, 300, 296, 1, 1, 0, 1},
                                       {7, 3, 5, 5, 5, 1, 2, 1}};
    const int64_t shapes[][6] = {{1, 1, 1, 8, 1, 1},   {3, 40, 5, 17, 2, 1},  {7, 33, 16, 16, 1, 2},
                                 {13, 9, 3, 24, 3, 2}, {50, 70, 9, 33, 2, 1}, {101, 35, 20, 32, 2, 1},
                                 {9, 11, 40, 70, 1, 2}, {300, 3, 2, 9, 1, 1}};
    const int64_t best = harken_lstm_level();
    for (int64_t level = 0; level <= best; level++) {
        for (const auto &s : shapes)
            for (int64_t threads : {1, 3}) run(s[0], s[1], s[2], s[3], s[4], s[5], level, threads);
        for (const auto &s : convolutions)
            for (int64_t threads : {1, 3}) {
                convolve(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], level, threads);
                train(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], level, threads);
            }
        const Floats x = random_floats(37);
        Floats sigmoid(37), tanh(37);
        harken_lstm_activations(level, x.data(), sigmoid.data(), tanh.data(), 37);
    }
    std::printf("%d shapes at %d instruction sets, %d failures\n", static_cast<int>(sizeof shapes / sizeof *shapes + sizeof convolutions / sizeof *convolutions),
                static_cast<int>(best) + 1, failures);
    return failures != 0;
}
