using Spectre.Console.Rendering;

namespace FieldTrial;

/// <summary>Shows a run while it goes on.</summary>
internal interface IProgressView
{
    /// <summary>Shows moments of it until cancelled; never throws for that.</summary>
    Task ShowAsync(Func<IRunMoment> moment, CancellationToken cancellationToken);
}

/// <summary>A moment of a run.</summary>
internal interface IRunMoment
{
    /// <summary>One line, for logs and pipes.</summary>
    string Line();

    /// <summary>The same as a picture, for terminals.</summary>
    IRenderable Draw();
}
