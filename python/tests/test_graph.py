"""Joints and edges of the data flow, without a framework."""

import pytest

from dnnviz._graph import GraphBuilder


class Flow:
    """A network that is written as arithmetic of nodes."""

    def __init__(self):
        self.builder = GraphBuilder()
        self.layers = 0

    def layer(self, *inputs):
        self.builder.add_layer(self.layers, inputs, self.builder.joints)
        self.layers += 1
        return self.layers - 1

    def add(self, *inputs):
        return self.builder.join("add", inputs)

    def concat(self, *inputs):
        return self.builder.join("concat", inputs)

    def graph(self):
        return self.builder.graph(self.layers)


def test_a_network_without_branches_has_no_joints():
    flow = Flow()
    node = flow.layer()
    for _ in range(3):
        node = flow.layer(flow.add(node, node))
    assert flow.graph() == ([(0, 1), (1, 2), (2, 3)], [])


def test_a_residual_block():
    flow = Flow()
    stem = flow.layer()
    block = flow.add(stem, flow.layer(flow.layer(stem)))
    flow.layer(block)
    assert flow.graph() == ([(0, 1), (1, 2), (4, 3), (0, 4), (2, 4)], ["add"])


def test_sums_without_a_layer_in_between_are_one_joint():
    flow = Flow()
    x = flow.layer()
    flow.layer(flow.add(flow.add(x, flow.layer(x)), flow.layer(x)))
    assert flow.graph() == ([(0, 1), (0, 2), (4, 3), (0, 4), (1, 4), (2, 4)], ["add"])


def test_a_sum_that_leads_further_as_well_stays_a_joint():
    flow = Flow()
    x = flow.layer()
    inner = flow.add(x, flow.layer(x))
    flow.layer(flow.add(inner, flow.layer(inner)))
    assert flow.graph() == ([(0, 1), (4, 2), (5, 3), (0, 4), (1, 4), (2, 5), (4, 5)], ["add", "add"])


def test_operations_of_two_kinds_are_two_joints():
    flow = Flow()
    a, b, c = flow.layer(), flow.layer(), flow.layer()
    flow.layer(flow.add(flow.builder.join("mul_", [a, b]), c))
    assert flow.graph() == ([(5, 3), (0, 4), (1, 4), (2, 5), (4, 5)], ["mul", "add"])


def test_a_joint_that_leads_nowhere_is_left_out():
    flow = Flow()
    a, b = flow.layer(), flow.layer()
    flow.add(flow.concat(a, b), flow.layer(a))
    assert flow.graph() == ([(0, 2)], [])


def test_data_that_is_in_another_input_already_adds_nothing():
    flow = Flow()
    a, b = flow.layer(), flow.layer()
    both = flow.add(a, b)
    assert flow.add(both, a) == flow.concat(b, both) == both == flow.add(b, a)
    assert flow.builder.join("Multiply", []) is None
    assert flow.concat(a, b) != both


def test_joints_of_a_layers_call_that_lead_to_it_alone_are_a_part_of_it():
    flow = Flow()
    a, b = flow.layer(), flow.layer()
    before = flow.builder.joints
    inside = flow.concat(flow.add(a, b), flow.layer(a))
    flow.builder.add_layer(3, [inside], before)
    flow.layers += 1
    assert flow.graph() == ([(0, 2), (0, 3), (1, 3), (2, 3)], [])


@pytest.mark.parametrize("order", [1, -1])
def test_edges_of_a_dense_block_grow_linearly(order):
    flow = Flow()
    features = [flow.layer()]
    for _ in range(40):
        features.append(flow.layer(flow.concat(*features[::order])))
    flow.layer(flow.concat(*features[::order]))
    edges, joints = flow.graph()
    # Of each layer but the first: two edges into its joint and one out of it.
    assert joints == ["concat"] * 40 and len(edges) == 3 * 40 + 1 == len(set(edges))
    assert {(0, 1), (0, 42), (1, 42), (42, 2), (42, 43), (2, 43)} <= set(edges)


def test_operations_are_named_alike_in_all_frameworks():
    flow = Flow()
    a, b = flow.layer(), flow.layer()
    for name in ("add_", "Concatenate", "_scaled_dot_product_flash_attention_for_cpu", "Multiply", "bmm"):
        flow.layer(flow.builder.join(name, [a, b]))
    assert flow.graph().joints == ["add", "concat", "attention", "mul", "matmul"]
