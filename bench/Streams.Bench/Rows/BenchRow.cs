namespace Streams.Bench;

/// <summary>One row of the table: a figure beside its reference, both measured in the same run. To add a row, write a class and name it in
/// <see cref="BenchProgram"/>.</summary>
internal abstract class BenchRow : IDisposable
{
    /// <summary>The name for <c>--rows</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What is measured, for people.</summary>
    public abstract string Measures { get; }

    /// <summary>What the reference is, and how its files were prepared.</summary>
    public abstract string Reference { get; }

    /// <summary>What must be reached.</summary>
    public abstract string Goal { get; }

    /// <summary>Whether it takes so long that it is measured only when it is named.</summary>
    public virtual bool IsLong => false;

    /// <summary>Makes what all repetitions need.</summary>
    public virtual Task PrepareAsync(BenchRun run) => Task.CompletedTask;

    /// <summary>Measures once: the figure, then the reference.</summary>
    public abstract Task<Measured> MeasureAsync(BenchRun run);

    /// <summary>Removes what was prepared.</summary>
    public virtual void Dispose()
    {
    }
}

/// <summary>One repetition: the figure and its reference, in one unit.</summary>
/// <param name="Figure">What the product does.</param>
/// <param name="Reference">What the machine does.</param>
/// <param name="Unit">Of both.</param>
/// <param name="Remark">What else is worth knowing.</param>
internal readonly record struct Measured(double Figure, double Reference, string Unit, string Remark);

/// <summary>What the rows of one run share.</summary>
/// <param name="Directory">Where files are written: on the disk that is measured.</param>
/// <param name="Small">Whether only to show that it runs.</param>
internal sealed record BenchRun(string Directory, bool Small)
{
    private int _folders;

    /// <summary>How long one measurement takes, about.</summary>
    public TimeSpan Duration => TimeSpan.FromSeconds(Small ? 0.1 : 2);

    /// <summary>A folder that is removed when it is disposed.</summary>
    public BenchFolder Folder() => new(Path.Combine(Directory, $"run-{Environment.ProcessId}-{++_folders}"));
}

/// <summary>A folder for one measurement.</summary>
internal sealed class BenchFolder : IDisposable
{
    public BenchFolder(string path)
    {
        FullName = path;
        Directory.CreateDirectory(path);
    }

    public string FullName { get; }

    public void Dispose() => Directory.Delete(FullName, recursive: true);
}
