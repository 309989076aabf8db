using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A test that needs a disk of its own; where none can be made it is skipped, and says why.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute(SmallDiskKind kind) => Skip = SmallDisk.WhyNot(kind);
}
