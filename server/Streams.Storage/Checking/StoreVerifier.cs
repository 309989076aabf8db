using Streams.Core;

namespace Streams.Storage;

/// <summary>Checks every byte of a container that is closed, or that a live server writes, without changing anything.</summary>
public static class StoreVerifier
{
    /// <summary>Whether a folder holds a log.</summary>
    public static bool IsContainer(string folder) => Directory.Exists(folder) && SegmentFiles.List(folder).Count > 0;

    /// <summary>Reads all files of a container once. Damage is in the report, also what the disk refuses to read.</summary>
    /// <param name="folder">The container's folder.</param>
    /// <param name="progress">Told how many bytes of the log are done, and how many there are.</param>
    /// <exception cref="StorageFailedException">The folder itself cannot be read.</exception>
    public static StoreReport Verify(string folder, Action<long, long>? progress = null)
    {
        using StateCheck state = new(folder);
        LogVerifier log = new(state, progress);
        log.Run(folder);
        List<FileCheck> files = [.. log.Files];
        if (state.Result is { } file)
        {
            // Where the log is damaged, the state may well know more: it is what tells how much was lost.
            if (files.TrueForAll(static f => f.FaultCount == 0))
            {
                state.Compare(log.Joined, log.End, log.NextEntry);
            }

            files.Add(file);
        }

        return new StoreReport(files, log.Lanes);
    }
}
