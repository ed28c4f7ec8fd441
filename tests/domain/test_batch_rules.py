"""What stages may ask of batch systems: names and expressions as an attacker would write them."""

import pytest

from domain.expressions import check_expression
from domain.setup.batch_options import BatchOptions, check_batch_options, is_ours
from domain.setup.batch_rules import BatchAllowance, BatchPolicy, BatchRules

HOSTILE = (
    "AccountingGroup", "AcctGroup", "AcctGroupUser", "ConcurrencyLimits", "NiceUser", "Owner", "User", "OsUser",
    "JobPrio", "Rank", "Requirements", "Cmd", "Args", "Arguments", "Env", "Environment", "Iwd", "RootDir", "In",
    "Out", "Err", "UserLog", "DAGManNodesLog", "DAGManJobId", "DAGParentNodeNames", "TransferInput",
    "TransferOutput", "TransferExecutable", "OutputDestination", "StreamOut", "StreamErr", "JobUniverse",
    "GridResource", "GridJobId", "x509userproxy", "X509UserProxyFile", "OAuthServicesNeeded", "HookKeyword",
    "StarterHookKeyword", "JobLeaseDuration", "LeaveJobInQueue", "PeriodicRemove", "OnExitHold", "OnExitRemove",
    "RequestGPUs", "RequestCpus", "RequestMemory", "ContainerImage", "DockerImage", "SingularityImage",
    "WantContainer", "WantDocker", "ContainerServiceNames", "NotifyUser", "JobNotification", "EmailAttributes",
    "CronMinute", "DeferralTime", "KeepClaimIdle", "MaxJobRetirementTime", "RemoteUser", "SubmitEventNotes",
    "LogNotes", "JobAdInformationAttrs", "MachineAttrOther0", "JobMaterializeLimit", "ConcurrencyLimit",
    "PublicInputFiles", "EncryptExecuteDirectory", "ToolDaemonCmd", "WantRemoteIO", "VM_Memory", "EC2AmiID",
    "CoreSize", "KillSig", "ManifestDesired", "POMS_GO", "POMS_MARK", "My.X", "TARGET.X", "+X", "x-y",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("batch_system", ["htcondor", "slurm", "local"])
def test_what_a_batch_system_goes_by_can_not_be_set(name: str, batch_system: str) -> None:
    options = BatchOptions(attributes=[[name, "true"]])
    found = [*check_batch_options("o", options), *BatchRules().problems("o", batch_system, options)]
    assert {f.path for f in found} == {"o.attributes[0].name"}
    assert not BatchPolicy().allows_attribute(name)


@pytest.mark.parametrize("name", ["*", "Accounting*", "Owner", "DAG*", "POMS_GO", "a-b", "Job*"])
def test_a_deployment_can_not_allow_what_htcondor_goes_by(name: str) -> None:
    with pytest.raises(ValueError, match="POMS_HTCONDOR_ATTRIBUTES"):
        BatchPolicy.of(f"WantGlidein, {name}", None)


def test_a_deployment_allows_names_and_beginnings() -> None:
    policy = BatchPolicy.of("FERMIHTC_*, WantX", "docker://registry.example.org/")
    assert policy.allows_attribute("fermihtc_HTSite")
    assert policy.allows_attribute("WantX")
    assert not policy.allows_attribute("WantXY")
    assert not policy.allows_attribute("WantGlidein")
    assert policy.allows_container("docker://registry.example.org/a:1")
    assert not policy.allows_container("docker://other/a:1")
    assert not any(is_ours(each) for each in ("WantGlidein", "DESIRED_Sites", "Custom_x"))


@pytest.mark.parametrize(
    "image",
    ["/etc/shadow", "/srv/poms/secret.sif", "/cvmfs/../etc/shadow", "http://x/y", "a.sif"],
)
def test_an_image_is_never_a_file_of_ours(image: str) -> None:
    found = BatchRules().problems("o", "htcondor", BatchOptions(container=image))
    assert [f.path for f in found] == ["o.container"]


def test_a_batch_system_that_is_not_there_is_found_where_any_is_known() -> None:
    rules = BatchRules(systems=["htcondor", "local"])
    assert [f.path for f in rules.check_system("o", "slurm")] == ["o"]
    assert [*rules.check_system("o", "local"), *BatchRules().check_system("o", "slurm")] == []


def test_accounts_and_so_on_are_those_of_the_experiment_at_that_batch_system() -> None:
    rules = BatchRules(allowances={
        "slurm": BatchAllowance(partitions=["short", "long"], accounts=["dune"], qos=["normal"])
    })  # fmt: skip
    fits = BatchOptions(partition="long,short", account="dune", qos="normal")
    assert list(rules.problems("o", "slurm", fits)) == []
    assert {f.path for f in rules.problems("o", "other", fits)} == {
        "o.partition", "o.account", "o.qos",
    }  # fmt: skip
    greedy = BatchOptions(partition="long,gpu", account="nova", qos="high")
    assert len(list(rules.problems("o", "slurm", greedy))) == 3
    filled = rules.allowances["slurm"].fill(BatchOptions(partition="long"))
    assert (filled.partition, filled.account, filled.qos) == ("long", "dune", "normal")


@pytest.mark.parametrize(
    "text",
    [
        "true", "OpSysMajorVer >= 9", 'regexp("^a.*", TARGET.Name) && !false',
        'stringListMember("a", DESIRED) || (Memory - 1) * 2 > 3.5', 'x =!= undefined && target.y =?= "z"',
    ],
)  # fmt: skip
def test_an_expression_that_names_what_it_needs(text: str) -> None:
    assert check_expression(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "true) || (true", "(true", 'Name == "x', "a\nqueue", "a // b", "a /* b */ c", "My.Owner", "PARENT.x",
        "TARGET.a.b", '"$(x)"', '"$ENV(POMS_SECRET)"', "$$(x)", "$F(a)", 'eval("x")', "userHome(Owner)",
        'debug(1)', "userMap(1)", "[a=1].a", "{1,2}", "a ? b : c", "a = b", '"a\\"b"', "'quoted'", "1 +", "&& x",
        "f()", "(" * 30 + "1" + ")" * 30, "1+" * 400 + "1", "x\u00e9", "ifThenElse(a, b", "a\tb", "\0",
    ],
)  # fmt: skip
def test_an_expression_that_reaches_further_is_none(text: str) -> None:
    assert check_expression(text)


def test_the_value_of_an_attribute_refers_to_no_other() -> None:
    assert check_expression("1 < 2", constant=True) is None
    assert check_expression('"a text"', constant=True) is None
    assert check_expression("Owner", constant=True)
    assert check_expression("TARGET.Name", constant=True)
