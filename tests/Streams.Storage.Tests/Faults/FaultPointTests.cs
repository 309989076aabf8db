using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>The disk refuses at every step of a history in turn: what was acknowledged is there, what was not is there whole or not at
/// all, no offset is given twice, and writing goes on by itself.</summary>
public sealed class FaultPointTests
{
    public static TheoryData<DiskFaultKind, int> Faults()
    {
        TheoryData<DiskFaultKind, int> faults = [];
        for (int variant = 0; variant < DiskFault.Variants; variant++)
        {
            faults.Add(DiskFaultKind.NoRoom, variant);
            faults.Add(DiskFaultKind.Refused, variant);
        }

        return faults;
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Whatever_step_is_refused_once_the_store_goes_on_by_itself_and_loses_nothing(DiskFaultKind kind, int variant)
    {
        int met = 0;
        int steps = await StepsAsync();
        for (int at = 1; at <= steps; at++)
        {
            string when = $"{kind}, variant {variant}, at step {at}";
            await using Scene scene = FaultyScene.Make(at);
            scene.Disk.Fault = new DiskFault(kind, at, 1, variant);
            await scene.OpenPatientlyAsync();
            History history = new(scene, new Random(1));
            await history.RunAsync();
            met += scene.Disk.FaultsMet;
            await GoOnAsync(scene, history, when);
            await scene.CrashAsync(at % 3 == 0 ? null : new Random(at));
            Assert.True(scene.Store.Recovery.Unreadable.Count == 0, when + string.Join('\n', scene.Store.Recovery.Unreadable)
                + string.Join('\n', scene.Log.Lines.Select(l => l.Text)));
            await history.CheckAsync(when + ", after a crash");
            Assert.False(scene.Store.Recovery.NeedsNewIncarnation, when);
        }

        Assert.True(met > steps / 3, $"the fault was met {met} times in {steps} runs");
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Power_that_goes_while_the_store_mends_itself_loses_nothing(DiskFaultKind kind, int variant)
    {
        int steps = await StepsAsync();
        for (int at = 1; at <= steps; at++)
        {
            Random chance = new(at * 7 + variant);
            string when = $"{kind}, variant {variant}, at step {at}";
            await using Scene scene = FaultyScene.Make(at);
            await scene.OpenPatientlyAsync();
            History history = new(scene, new Random(2));
            scene.Disk.Fault = new DiskFault(kind, at, chance.Next(1, 4), variant);
            scene.Disk.StopAt = at + chance.Next(1, 14);
            await history.RunAsync();
            await scene.CrashAsync(chance.Next(4) == 0 ? null : chance);
            await history.CheckAsync(when);
            Assert.False(scene.Store.Recovery.NeedsNewIncarnation, when);
            await GoOnAsync(scene, history, when);
        }
    }

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    [InlineData(24)]
    public async Task Faults_of_all_kinds_and_crashes_one_after_the_other_lose_nothing(int seed)
    {
        Random chance = new(seed);
        await using Scene scene = FaultyScene.Make(seed);
        await scene.OpenPatientlyAsync();
        History history = new(scene, chance);
        for (int round = 0; round < 30; round++)
        {
            scene.Disk.Fault = new DiskFault((DiskFaultKind)chance.Next(2), scene.Disk.Steps + chance.Next(1, 50), chance.Next(1, 30),
                chance.Next(DiskFault.Variants));
            await history.RunAsync();
            string when = $"seed {seed}, round {round}";
            await history.CheckAsync(when);
            if (chance.Next(2) == 0)
            {
                scene.Disk.StopAt = scene.Disk.Steps + chance.Next(1, 40);
                await history.RunAsync();
                await scene.CrashAsync(chance.Next(4) == 0 ? null : chance);
                await history.CheckAsync(when + ", crashed");
            }

            await GoOnAsync(scene, history, when);
        }
    }

    // With a disk that is well again it must write: more is acknowledged than before, and all of it is there.
    private static async Task GoOnAsync(Scene scene, History history, string when)
    {
        await scene.WritingAsync();
        int before = history.Placed.Count;
        await history.RunAsync();
        if (scene.Store.Status().Phase != WritePhase.Writing)
        {
            await scene.WritingAsync();               // the fault came only now
            await history.RunAsync();
        }

        Assert.True(history.Placed.Count > before, when + ": nothing more is acknowledged");
        await history.CheckAsync(when);
    }

    private static async Task<int> StepsAsync()
    {
        await using Scene scene = FaultyScene.Make(1);
        await scene.OpenPatientlyAsync();
        await new History(scene, new Random(1)).RunAsync();
        return scene.Disk.Steps;
    }
}
