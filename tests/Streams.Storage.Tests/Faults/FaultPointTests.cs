using Streams.Core;
using Streams.Testing;

namespace Streams.Storage.Tests;

/// <summary>The disk refuses at every step of a history in turn: what was acknowledged is there, what was not is there whole or not at
/// all, no offset is given twice, and writing goes on by itself.</summary>
/// <remarks>An ordinary run takes every step of one history; STREAMS_ROUNDS asks for so many, each another one.</remarks>
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
    public Task Whatever_step_is_refused_once_the_store_goes_on_by_itself_and_loses_nothing(DiskFaultKind kind, int variant) =>
        AtEveryStepAsync($"{kind}, variant {variant}", async (scene, history, at, when) =>
        {
            scene.Disk.Fault = new DiskFault(kind, at, 1, variant);
            await scene.OpenPatientlyAsync();
            await RunAsync(history);
            await GoOnAsync(scene, history, when);
            await CrashAsync(scene, history, at % 3 == 0 ? null : new Random(at), when);
        });

    [Theory]
    [MemberData(nameof(Faults))]
    public Task Whatever_step_it_is_refused_from_readers_have_all_and_once_it_is_mended_writing_goes_on(DiskFaultKind kind, int variant) =>
        AtEveryStepAsync($"{kind}, variant {variant}, from then on", async (scene, history, at, when) =>
        {
            await scene.OpenPatientlyAsync();
            scene.Disk.Fault = new DiskFault(kind, scene.Disk.Steps + at, int.MaxValue, variant);
            await RunAsync(history);
            await history.CheckAsync(when + ", while it refuses");
            await RunAsync(history);
            int acknowledged = history.Placed.Count;
            if (scene.Store.Status().Phase == WritePhase.Failed)
            {
                scene.Clock().Advance(WriterHealth.LongestPause);
                await history.RunAsync();
                Assert.True(history.Placed.Count == acknowledged, when + ": acknowledged without a disk");
            }

            await history.CheckAsync(when + ", still refusing");
            scene.Disk.Fault = null;
            await GoOnAsync(scene, history, when + ", mended");
            await CrashAsync(scene, history, at % 3 == 0 ? null : new Random(at), when);
        });

    [Theory]
    [MemberData(nameof(Faults))]
    public Task Power_that_goes_while_the_store_mends_itself_loses_nothing(DiskFaultKind kind, int variant) =>
        AtEveryStepAsync($"{kind}, variant {variant}, then no power", async (scene, history, at, when) =>
        {
            Random chance = new((at * 7) + variant);
            await scene.OpenPatientlyAsync();
            scene.Disk.Fault = new DiskFault(kind, at, chance.Next(1, 4), variant);
            scene.Disk.StopAt = at + chance.Next(1, 14);
            await RunAsync(history);
            await CrashAsync(scene, history, chance.Next(4) == 0 ? null : chance, when);
            await GoOnAsync(scene, history, when);
        });

    [Fact]
    public Task Whatever_read_is_refused_once_nothing_is_lost_and_the_next_one_has_it() =>
        AtEveryStepAsync("a read", async (scene, history, at, when) =>
        {
            await scene.OpenPatientlyAsync();
            await RunAsync(history);
            await scene.StopAsync(at % 3 == 0 ? null : new Random(at));
            scene.Disk.Fault = new DiskFault(DiskFaultKind.ReadRefused, scene.Disk.Reads + at);
            await scene.OpenPatientlyAsync();
            await RunAsync(history);
            try
            {
                await history.CheckAsync(when);
            }
            catch (StorageFailedException)
            {
                Assert.True(scene.Disk.FaultsMet > 0);
            }

            scene.Disk.Fault = null;
            await history.CheckAsync(when + ", again");
            await GoOnAsync(scene, history, when);
            await CrashAsync(scene, history, new Random(at), when);
        }, scene => scene.Disk.Reads);

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
        for (int round = 0; round < 15 * Seeds.Rounds(1); round++)
        {
            scene.Disk.Fault = new DiskFault((DiskFaultKind)chance.Next(2), scene.Disk.Steps + chance.Next(1, 50), chance.Next(1, 30),
                chance.Next(DiskFault.Variants));
            await RunAsync(history);
            string when = $"seed {seed}, round {round}";
            await history.CheckAsync(when);
            if (chance.Next(2) == 0)
            {
                scene.Disk.StopAt = scene.Disk.Steps + chance.Next(1, 40);
                await RunAsync(history);
                await CrashAsync(scene, history, chance.Next(4) == 0 ? null : chance, when + ", crashed");
            }

            await GoOnAsync(scene, history, when);
        }
    }

    private static async Task RunAsync(History history)
    {
        await history.RunAsync();
        await history.RetainAsync();
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

    private static async Task CrashAsync(Scene scene, History history, Random? chance, string when)
    {
        await scene.CrashAsync(chance);
        Assert.True(scene.Store.Recovery.Unreadable.Count == 0, $"{when}: "
            + string.Join('\n', scene.Store.Recovery.Unreadable) + string.Join('\n', scene.Log.Lines.Select(l => l.Text)));
        await history.CheckAsync(when + ", after a crash");
        Assert.False(scene.Store.Recovery.NeedsNewIncarnation, when);
    }

    private static async Task AtEveryStepAsync(string what, Func<Scene, History, int, string, Task> story,
        Func<Scene, int>? counted = null)
    {
        for (int round = 1; round <= Seeds.Rounds(1); round++)
        {
            int steps = await StepsAsync(round, counted ?? (scene => scene.Disk.Steps));
            int met = 0;
            long overlapped = 0;
            for (int at = 1; at <= steps; at++)
            {
                await using Scene scene = FaultyScene.Make(at);
                await story(scene, new History(scene, new Random(round)), at, $"{what}, at step {at} of history {round}");
                met += scene.Disk.FaultsMet > 0 ? 1 : 0;
                overlapped += scene.Overlapped;
            }

            Assert.True(overlapped > steps, $"{what}: in {steps} runs {overlapped} groups were staged while others were flushed");

            // What takes room is less than half of the steps, and groups gather as the threads run.
            Assert.True(met > steps / 5, $"{what}: the fault was met {met} times in {steps} runs");
        }
    }

    private static async Task<int> StepsAsync(int round, Func<Scene, int> counted)
    {
        await using Scene scene = FaultyScene.Make(1);
        await scene.OpenPatientlyAsync();
        History history = new(scene, new Random(round));
        await RunAsync(history);
        await scene.StopAsync(null);
        await scene.OpenStoreAsync();
        await history.CheckAsync("without a fault");
        return counted(scene);
    }
}
