using Spectre.Console;
using Spectre.Console.Rendering;

namespace EdgeGateway;

/// <summary>A moment of a day offline.</summary>
internal sealed record DayMoment(TimeSpan Elapsed, TimeSpan Simulated, string Phase, long Acknowledged, long Delivered, long Waiting,
    long Dropped, double StoreMegabytes, double MemoryMegabytes) : IRunMoment
{
    public string Line() => $"{Elapsed.TotalSeconds,6:0.0}s  hour {Simulated.TotalHours,5:0.00}  acknowledged {Acknowledged}  "
        + $"delivered {Delivered}  waiting {Waiting}  dropped {Dropped}  store {StoreMegabytes:0.0} MB  "
        + $"memory {MemoryMegabytes:0} MB  {Phase}";

    public IRenderable Draw() => new Markup(Markup.Escape(Line()));
}
