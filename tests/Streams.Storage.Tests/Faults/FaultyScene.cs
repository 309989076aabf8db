using Streams.Core;
using Streams.Testing;

namespace Streams.Storage.Tests;

/// <summary>A scene whose disk refuses, and whose clock moves the writer's pauses.</summary>
internal static class FaultyScene
{
    public static ContainerOptions Small => new()
    {
        SegmentBytes = 8 << 10,
        AllocationBytes = 4 << 10,
        GroupOperations = 2,                          // of five that come at once: groups are staged while others are flushed
        RunsAheadOnGivenDisk = true,
    };

    public static Scene Make(int seed) => new(seed) { Options = Small, Clock = new VirtualTime() };

    public static VirtualTime Clock(this Scene scene) => (VirtualTime)scene.Clock!;

    /// <summary>Opens, and begins to write, as often as it takes: what opening meets is said by an exception and tried again.</summary>
    public static async Task OpenPatientlyAsync(this Scene scene, int attempts = 200)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                await scene.OpenStoreAsync(write: false);
                break;
            }
            catch (StorageFailedException) when (i < attempts)
            {
            }
        }

        for (int i = 0; ; i++)
        {
            try
            {
                await scene.Store.StartWritingAsync(scene.Origin, default);
                return;
            }
            catch (StreamsException e) when (i < attempts && e is StorageFailedException or TryAgainException)
            {
                await scene.WritingAsync();
            }
        }
    }

    /// <summary>Moves the clock, each time by the longest pause, until the store writes.</summary>
    public static Task WritingAsync(this Scene scene) => Eventually.TrueWhileAdvancingAsync(scene.Clock(), WriterHealth.LongestPause,
        () => scene.Store.Status().Phase == WritePhase.Writing, "the store writes");
}
